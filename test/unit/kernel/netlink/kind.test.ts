import { describe, expect, test } from 'vitest';
import { ipBytes, macBytes } from '../../../../src/kernel/netlink/address.ts';
import { nest, readAttributes } from '../../../../src/kernel/netlink/attributes.ts';
import { decodeKind, decodePort, walk } from '../../../../src/kernel/netlink/index.ts';

/** Kind data as the kernel lays it out: length, type and value of each attribute, padded to 4 bytes; little endian. */
const data = (...attributes: readonly (readonly [type: number, hex: string])[]): Buffer => Buffer.concat(attributes.map(([type, hex]) => {
  const value = Buffer.from(hex.replaceAll(' ', ''), 'hex');
  const bytes = Buffer.alloc((4 + value.length + 3) & ~3);
  bytes.writeUInt16LE(4 + value.length, 0);
  bytes.writeUInt16LE(type, 2);
  value.copy(bytes, 4);
  return bytes;
}));

describe('kinds that this kernel may not have, by the layout of their headers', () => {
  test.each<[string, Buffer, object]>([
    ['geneve', data([1, '2a000000'], [2, '0a000002'], [5, '17c1'], [3, '40'], [13, '01'], [11, '00000005']), { vni: 42, remote: '10.0.0.2', port: 6081, ttl: 64, df: 'set', label: 5 }],
    ['geneve', data([7, 'fd000000000000000000000000000002'], [6, '']), { remote: 'fd00::2', external: true }],
    ['vlan', data([1, '6400'], [5, '8100'], [2, '01000000 ffffffff'], [3, `${data([1, '01000000 05000000']).toString('hex')}`]), { id: 100, protocol: '802.1Q', flags: ['reorderHeader'], egressPriorities: [{ from: 1, to: 5 }] }],
    ['vlan', data([1, 'ff0f'], [5, '88a8']), { id: 4095, protocol: '802.1ad' }],
    ['bond', data([1, '04'], [3, '64000000'], [14, '01'], [21, '01'], [8, data([0, '0a000001'], [1, '0a000002']).toString('hex')], [23, data([1, '0100'], [5, '020000000001']).toString('hex')]),
      { mode: '802.3ad', miimonMs: 100, hashPolicy: 'layer3+4', lacpRate: 'fast', arpTargets: ['10.0.0.1', '10.0.0.2'], aggregator: { id: 1, partnerMac: '02:00:00:00:00:01' } }],
    ['bond', data([1, '63']), { mode: 99 }],
    ['netkit', data([2, '01'], [3, '00000000'], [4, '02000000'], [5, '01000000']), { primary: true, policy: 'forward', peerPolicy: 'blackhole', mode: 'l3' }],
    ['vrf', data([1, '0a000000']), { table: 10 }],
    ['macvlan', data([1, '04000000']), { mode: 'bridge' }],
    ['tun', data([3, '02'], [1, 'e8030000'], [6, '01']), { type: 'tap', owner: 1000, persistent: true }],
  ])('%s', (kind, bytes, expected) => {
    expect(decodeKind(kind, bytes)).toEqual(expected);
  });

  test('what has no name is kept in hexadecimal', () => {
    expect(decodeKind('vxlan', data([1, '07000000'], [99, 'c0ffee']))).toEqual({ vni: 7, unknown: { 99: 'c0ffee' } });
    expect(decodeKind('brandnew', data([1, '01'], [2, 'abcd']))).toEqual({ unknown: { 1: '01', 2: 'abcd' } });
    expect(decodePort('bridge', data([1, '03'], [9, '00'], [77, '01']))).toEqual({ state: 'forwarding', flood: false, unknown: { 77: '01' } });
  });
});

describe('attributes', () => {
  test('that do not fit are an error, not an endless loop', () => {
    for (const hex of ['0000', '03000100', '00000100', 'ffff0100 00']) expect(() => walk(Buffer.from(`${hex}00000000`.replaceAll(' ', ''), 'hex'), 0, 8, () => undefined)).toThrow(expect.objectContaining({ code: 'SL2702' }));
  });

  test('are read without the bits that say how they are nested or ordered', () => {
    expect([...readAttributes(Buffer.from('0800018001000000080002400000002a', 'hex'))]).toEqual([[1, Buffer.from('01000000', 'hex')], [2, Buffer.from('0000002a', 'hex')]]);
  });

  test('of any length are padded', () => {
    expect(nest([[1, Buffer.from('a')], [2, Buffer.alloc(0)], [3, Buffer.from('abcd')]]).toString('hex')).toBe('0500010061000000040002000800030061626364');
  });
});

test('addresses have the bytes of the wire', () => {
  expect(ipBytes('10.0.0.1').toString('hex')).toBe('0a000001');
  expect(ipBytes('fd00::1').toString('hex')).toBe('fd000000000000000000000000000001');
  expect(macBytes('02:00:00:00:00:fF').toString('hex')).toBe('0200000000ff');
  for (const text of ['10.0.0', 'fd00::1%eth0', '10.0.0.1/24', '']) expect(() => ipBytes(text)).toThrow('is no IP address');
  for (const text of ['02', '02-00-00-00-00-01', 'zz:00:00:00:00:00']) expect(() => macBytes(text)).toThrow('is no MAC address');
});
