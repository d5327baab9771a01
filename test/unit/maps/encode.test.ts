import { describe, expect, test } from 'vitest';
import { decode, display } from '../../../src/domain/maps/layout/decode.ts';
import { encodeJson, encodeText, parseExact } from '../../../src/domain/maps/layout/encode.ts';
import { applyHints, asPrefix, hintFromName, parseHints } from '../../../src/domain/maps/layout/hints.ts';
import type { Layout } from '../../../src/domain/maps/layout/layout.ts';
import { toText } from '../../../src/domain/maps/write/json.ts';
import { EVERYTHING, int, PREFIX, randomBytes } from './layouts.ts';

const SEED = Number(process.env['SEED'] ?? 7);

const FLOW: Layout = {
  kind: 'struct', at: 0, size: 8, members: [
    { name: 'addr', layout: { kind: 'ipv4', at: 0, size: 4 } }, { name: 'port', layout: int(4, 2, false, true) }, { name: 'proto', layout: int(6, 1) }, { name: 'pad', layout: int(7, 1) },
  ],
};
const PORT: Layout = { kind: 'struct', at: 0, size: 4, members: [{ name: 'dport', layout: int(0, 2, false, true) }, { name: 'protocol', layout: int(2, 1) }, { name: '_pad', layout: int(3, 1) }] };
const STATE: Layout = { kind: 'enum', at: 0, size: 4, signed: false, names: new Map([[1n, 'OPEN'], [2n, 'CLOSED']]) };

describe('accepted spellings', () => {
  test.each<[string, Layout, string, string]>([
    ['a number', int(0, 4), '7', '07000000'],
    ['hexadecimal', int(0, 4), '0x0a', '0a000000'],
    ['binary', int(0, 1), '0b101', '05'],
    ['negative', int(0, 2, true), '-2', 'feff'],
    ['in network order', int(0, 2, false, true), '443', '01bb'],
    ['a large number', int(0, 8), '18446744073709551615', 'ffffffffffffffff'],
    ['an address in four bytes', int(0, 4), '10.0.0.1', '0a000001'],
    ['an address', { kind: 'ipv4', at: 0, size: 4 }, '10.0.0.1', '0a000001'],
    ['an IPv6 address', { kind: 'ipv6', at: 0, size: 16 }, '2001:db8::1', '20010db8000000000000000000000001'],
    ['an IPv6 address in bytes', { kind: 'hex', at: 0, size: 16 }, '::1', '00000000000000000000000000000001'],
    ['a hardware address', { kind: 'mac', at: 0, size: 6 }, '02:00:00:ab:cd:ef', '020000abcdef'],
    ['a prefix', PREFIX, '10.0.0.0/8', '080000000a000000'],
    ['an address for its whole length', PREFIX, '10.0.0.1', '200000000a000001'],
    ['a prefix in bytes', { kind: 'hex', at: 0, size: 20 }, 'fd00::/8', '08000000fd000000000000000000000000000000'],
    ['a prefix as JSON', PREFIX, '{"prefixlen":8,"addr":"10.0.0.0"}', '080000000a000000'],
    ['a format in front', int(0, 4), 'u32:7', '07000000'],
    ['an address format in front', int(0, 4), 'ipv4:1.2.3.4', '01020304'],
    ['a network order format in front', int(0, 2), 'be16:443', '01bb'],
    ['hex in front', FLOW, 'hex:0a00000101bb0600', '0a00000101bb0600'],
    ['bare hex', { kind: 'hex', at: 0, size: 3 }, '0a0b0c', '0a0b0c'],
    ["bpftool's hex", int(0, 4), 'hex 0a 00 00 01', '0a000001'],
    ["bpftool's bytes", int(0, 4), '10 0 0 0x1', '0a000001'],
    ['pairs', FLOW, 'addr=10.0.0.1 port=443 proto=6', '0a00000101bb0600'],
    ['pairs with commas', FLOW, 'addr=10.0.0.1,port=443,proto=6,pad=1', '0a00000101bb0601'],
    ['JSON', FLOW, '{"addr":"10.0.0.1","port":443,"proto":6}', '0a00000101bb0600'],
    ['an endpoint', FLOW, '10.0.0.1:443/tcp', '0a00000101bb0600'],
    ['a port and protocol', PORT, '443/tcp', '01bb0600'],
    ['a port and the number of a protocol', PORT, '53/17', '00351100'],
    ['a port with a protocol that nothing takes', int(0, 2, false, true), '443/tcp', '01bb'],
    ['a name of an enum', STATE, 'CLOSED', '02000000'],
    ['a number of an enum', STATE, '9', '09000000'],
    ['true', { kind: 'bool', at: 0, size: 1 }, 'true', '01'],
    ['text', { kind: 'text', at: 0, size: 4 }, 'eth0', '65746830'],
    ['shorter text', { kind: 'text', at: 0, size: 4 }, 'lo', '6c6f0000'],
    ['a list', { kind: 'array', at: 0, size: 4, count: 2, element: int(0, 2) }, '1,2', '01000200'],
    ['a list as JSON', { kind: 'array', at: 0, size: 4, count: 2, element: int(0, 2) }, '[1,2]', '01000200'],
    ['a pointer', { kind: 'pointer', at: 0, size: 8 }, '0xffff888000000001', '010000008088ffff'],
    ['a fraction', { kind: 'float', at: 0, size: 4 }, '0.5', '0000003f'],
    ['JSON with hex', FLOW, '{"hex":"0a00000101bb0600","decoded":1}', '0a00000101bb0600'],
  ])('%s', (_, layout, text, hex) => {
    const bytes = text.startsWith('{"hex"') ? encodeJson(layout, parseExact(text), 'key') : encodeText(layout, text, 'key');
    expect(bytes.toString('hex')).toBe(hex);
  });
});

test('a string of JSON is text as it is, and any written form of what is no text', () => {
  expect(encodeJson({ kind: 'text', at: 0, size: 8 }, ' hex:0a', 'value').toString('latin1')).toBe(' hex:0a\0');
  expect(encodeJson(FLOW, 'hex:0a00000101bb0600', 'key').toString('hex')).toBe('0a00000101bb0600');
  expect(encodeJson(int(0, 4), 'ipv4:10.0.0.1', 'key').toString('hex')).toBe('0a000001');
});

describe('refused spellings', () => {
  test.each<[Layout, string, string]>([
    [int(0, 4), 'x', 'expected a number of 32 bits or an IPv4 address'],
    [int(0, 4), '', 'expected a number'],
    [int(0, 4), '4294967296', 'does not fit 32 bits'],
    [int(0, 4), '-1', 'does not fit 32 bits'],
    [int(0, 1, true), '128', 'does not fit 8 signed bits'],
    [int(0, 4), '1.5', 'expected a number'],
    [int(0, 2), '10.0.0.1', 'expected a number'],
    [int(0, 4), '10.0.0.256', 'expected a number'],
    [int(0, 4), 'hex:0a', 'it has 4 bytes, not 1'],
    [int(0, 4), 'hex:0a0', 'two digits for each byte'],
    [int(0, 4), 'u64:1', 'which is no u64'],
    [int(0, 4), 'u16:1', 'which is no u16'],
    [int(0, 4), '{"a":1}', 'expected a number'],
    [int(0, 4), '{broken', 'it is no JSON'],
    [PREFIX, '10.0.0.0/33', 'a number up to 32'],
    [PREFIX, '10.0.0.0/', 'a number up to 32'],
    [PREFIX, 'fd00::/8', 'expected an IPv4 address'],
    [FLOW, 'addr=10.0.0.1', 'port is missing'],
    [FLOW, 'addr=10.0.0.1 port=443 proto=6 more=1', 'there is no such member; there are: addr, port, proto, pad'],
    [FLOW, '10.0.0.1', 'it has members: addr=… port=… proto=… pad=…'],
    [FLOW, '{"addr":null,"port":1,"proto":1}', 'expected an IPv4 address'],
    [STATE, 'HALF', 'expected one of OPEN, CLOSED'],
    [{ kind: 'text', at: 0, size: 2 }, 'eth0', 'room for 2 bytes'],
    [{ kind: 'bool', at: 0, size: 1 }, 'maybe', 'expected true or false'],
    [{ kind: 'mac', at: 0, size: 6 }, '02:00', 'expected a hardware address'],
    [{ kind: 'array', at: 0, size: 4, count: 2, element: int(0, 2) }, '[1]', 'it has 2'],
    [{ kind: 'bits', at: 0, size: 1, shift: 0, bits: 3, signed: false }, '8', 'does not fit 3 bits'],
    [{ kind: 'hex', at: 0, size: 3 }, '0a0b', 'it has 3 bytes, not 2'],
  ])('%j as %j', (layout, text, why) => {
    expect(() => encodeText(layout, text, 'key')).toThrow(why);
  });
});

test(`what is shown is accepted and is the same bytes, seed ${SEED}`, () => {
  // Members of a union say the same bytes several times; with NaN and broken text bytes are not all told.
  const layouts = [FLOW, PORT, STATE, PREFIX, int(0, 8), int(0, 8, true), ...(EVERYTHING as Layout & { kind: 'struct' }).members.map(({ layout }) => layout)];
  for (const layout of layouts.filter(({ kind }) => !['float', 'text', 'bool', 'bits'].includes(kind))) {
    const size = layout.at + layout.size;
    const bytes = randomBytes(size, 50, SEED);
    for (let row = 0; row < 50; row++) {
      const own = bytes.subarray(row * size, (row + 1) * size);
      if (layout.kind === 'prefix') own.writeUInt32LE(own.readUInt32LE(0) % 33, 0);
      const wanted = Buffer.alloc(size);
      own.copy(wanted, layout.at, layout.at);
      const whole = { ...layout, size } as Layout;
      expect(encodeJson({ kind: 'struct', at: 0, size, members: [{ name: 'x', layout }] }, { x: parseExact(toText(decode(layout, own, 0))) }, 'key')).toEqual(wanted);
      // Only what stands at the start can be a whole key.
      expect(layout.at === 0 ? encodeText(whole, display(layout, own, 0), 'key') : wanted).toEqual(wanted);
    }
  }
});

describe('hints', () => {
  test('names tell addresses, ports and hardware addresses', () => {
    const kind = (name: string, layout: Layout): string | undefined => {
      const hint = hintFromName(name, layout);
      return hint?.kind === 'int' ? `port ${String(hint.bigEndian)}` : hint?.kind;
    };
    const bytes = (count: number): Layout => ({ kind: 'array', at: 0, size: count, count, element: int(0, 1) });
    for (const name of ['saddr', 'daddr', 'src_ip', 'ip4', 'dst_addr', 'gateway', 'vip', 'sip']) expect([name, kind(name, int(0, 4))]).toEqual([name, 'ipv4']);
    for (const name of ['sport', 'dport', 'port', 'src_port']) expect([name, kind(name, int(0, 2))]).toEqual([name, 'port true']);
    for (const name of ['mac', 'h_source', 'smac', 'eth', 'lladdr']) expect([name, kind(name, bytes(6))]).toEqual([name, 'mac']);
    expect(kind('saddr6', bytes(16))).toBe('ipv6');
    for (const [name, layout] of [['ip', int(0, 8)], ['zip', int(0, 4)], ['report', int(0, 2)], ['skip', int(0, 4)], ['saddr', int(0, 4, true)], ['export', int(0, 2)], ['identity', int(0, 4)]] as const) expect([name, kind(name, layout)]).toEqual([name, undefined]);
  });

  test('formats are given by path', () => {
    const hints = parseHints('key=ipv4,value.port=u16,value.addr=hex');
    expect(applyHints(int(0, 4), 'key', hints).kind).toBe('ipv4');
    const value = applyHints(FLOW, 'value', hints) as Layout & { kind: 'struct' };
    expect(value.members.map(({ layout }) => layout)).toEqual([{ kind: 'hex', at: 0, size: 4 }, int(4, 2), int(6, 1), int(7, 1)]);
    expect(applyHints({ kind: 'hex', at: 0, size: 24 }, 'value', parseHints('value=u64'))).toMatchObject({ kind: 'array', count: 3 });
    expect(parseHints('none').guess).toBe(false);
    for (const text of ['key', 'key=nonsense', 'other=u32', 'key=']) expect(() => parseHints(text)).toThrow('is not understood');
    expect(() => applyHints(FLOW, 'value', parseHints('value.nothing=u8'))).toThrow('there is no nothing');
    expect(() => applyHints(int(0, 4), 'key', parseHints('key=ipv6'))).toThrow('4 bytes are no ipv6');
  });

  test('the key of an LPM trie is a prefix where one address follows the length', () => {
    expect(asPrefix({ kind: 'hex', at: 0, size: 20 })).toMatchObject({ kind: 'prefix', address: { kind: 'ipv6' } });
    const typed: Layout = { kind: 'struct', at: 0, size: 8, members: [{ name: 'len', layout: int(0, 4) }, { name: 'net', layout: int(4, 4) }] };
    expect(asPrefix(typed)).toMatchObject({ kind: 'prefix', names: ['len', 'net'] });
    const more: Layout = { kind: 'struct', at: 0, size: 12, members: [...typed.members, { name: 'zone', layout: int(8, 4) }] };
    expect(asPrefix(more)).toBe(more);
  });
});
