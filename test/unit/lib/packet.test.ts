import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { crc32c } from '../../../src/lib/packet/checksum.ts';
import { decodePacket, summarizePacket } from '../../../src/lib/packet/decode.ts';
import { frameBytes } from '../../../src/lib/packet/frame.ts';
import { parsePacketWords } from '../../../src/lib/packet/words.ts';
import { readCapture } from '../../../src/lib/pcap.ts';
import { requireTool } from '../../support/require.ts';
import { writePcap } from '../../support/pcap.ts';

const bytesOf = (words: string): Buffer => frameBytes(parsePacketWords(words));

/** What tcpdump says of frames: it checks all checksums and lengths. */
function dissect(frames: readonly Buffer[]): string[] {
  const folder = mkdtempSync(join(tmpdir(), 'packets-'));
  try {
    writeFileSync(join(folder, 'frames.pcap'), writePcap(frames));
    const text = execFileSync('tcpdump', ['-nn', '-vv', '-e', '-t', '-r', join(folder, 'frames.pcap')], { encoding: 'utf8', stdio: ['ignore', 'pipe', 'ignore'] });
    return text.replaceAll(/\n\s+/g, ' ').trim().split('\n');
  } finally {
    rmSync(folder, { recursive: true });
  }
}

const PACKETS: readonly [words: string, tcpdump: RegExp, summary: string][] = [
  ['udp 10.0.0.1:5000 > 10.0.0.2:53', /ttl 64, .*proto UDP \(17\), length 28\) 10\.0\.0\.1\.5000 > 10\.0\.0\.2\.53: \[udp sum ok\]/, 'udp 10.0.0.1:5000 > 10.0.0.2:53'],
  ['udp 10.0.0.1:5000 > 10.0.0.2:5001 payload hello world', /length 39\) .*\[udp sum ok\] UDP, length 11/, 'udp 10.0.0.1:5000 > 10.0.0.2:5001'],
  ['udp [fd00::1]:9 > [fd00::2]:10 ttl 7 tos 32 payload hex:00ff 7f', /class 0x20, .*hlim 7, next-header UDP .*\[udp sum ok\] UDP, length 3/, 'udp [fd00::1]:9 > [fd00::2]:10'],
  ['tcp 10.0.0.1:40000 > 10.0.0.2:443', /Flags \[S\], cksum 0x[0-9a-f]+ \(correct\), seq 0, win 65535/, 'tcp 10.0.0.1:40000 > 10.0.0.2:443'],
  ['tcp [fd00::1]:1 > [fd00::2]:80 flags fin,ack,psh seq 4000000000 ack 0x10 window 5 payload x', /Flags \[FP\.\], cksum 0x[0-9a-f]+ \(correct\), seq 4000000000:4000000001, ack 16, win 5/, 'tcp [fd00::1]:1 > [fd00::2]:80'],
  ['icmp 10.0.0.1 > 10.0.0.2', /ICMP echo request, id 1, seq 1/, 'icmp 10.0.0.1 > 10.0.0.2'],
  ['icmp 10.0.0.1 > 10.0.0.2 type 0/0', /ICMP echo reply, id 1, seq 1/, 'icmp 10.0.0.1 > 10.0.0.2'],
  ['icmp fd00::1 > fd00::2 len 10', /\[icmp6 sum ok\] ICMP6, echo request, id 1, seq 1/, 'icmpv6 fd00::1 > fd00::2'],
  ['sctp 10.0.0.1:7 > 10.0.0.2:8', /proto SCTP \(132\).*10\.0\.0\.1\.7 > 10\.0\.0\.2\.8: sctp 1\) \[INIT\] \[init tag: 1\]/, 'sctp 10.0.0.1:7 > 10.0.0.2:8'],
  ['vlan 100 udp 10.0.0.1:1 > 10.0.0.2:2', /vlan 100, p 0, ethertype IPv4/, 'udp 10.0.0.1:1 > 10.0.0.2:2'],
  ['vlan 100 vlan 200 udp 10.0.0.1:1 > 10.0.0.2:2', /802\.1Q-QinQ.*vlan 100, .*vlan 200, p 0, ethertype IPv4/, 'udp 10.0.0.1:1 > 10.0.0.2:2'],
  ['eth 02:aa:bb:cc:dd:01 > ff:ff:ff:ff:ff:ff gre 10.0.0.1 > 10.0.0.2 payload hex:00000800', /^02:aa:bb:cc:dd:01 > ff:ff:ff:ff:ff:ff, .*proto GRE \(47\)/, 'gre 10.0.0.1 > 10.0.0.2'],
  ['udp [fd00::1]:1 > [fd00::2]:2 frag 8 id 77 payload abcdefgh', /next-header Fragment \(44\) payload length: 16\) fd00::1 > fd00::2: frag \(0x0000004d:8\|8\)/, 'udp fd00::1 > fd00::2'],
  ['udp 10.0.0.1:1 > 10.0.0.2:2 frag 1480+ id 77 payload abcdefgh', /id 77, offset 1480, flags \[\+\]/, 'udp 10.0.0.1 > 10.0.0.2'],
];

describe('a packet in words', () => {
  test('is one that tcpdump reads with all checksums right', () => {
    requireTool('tcpdump');
    const lines = dissect(PACKETS.map(([words]) => bytesOf(words)));
    PACKETS.forEach(([words, expected], i) => expect(lines[i], words).toMatch(expected));
    expect(lines.filter((line) => /bad|incorrect|wrong|truncated/i.test(line))).toEqual([]);
  });

  test('is decoded again', () => {
    for (const [words, , summary] of PACKETS) expect(summarizePacket(decodePacket(bytesOf(words))), words).toBe(summary);
    const value = (words: string, name: string): string | undefined => decodePacket(bytesOf(words)).find((field) => field.name === name)?.value;
    expect(value('vlan 100 vlan 7 udp 10.0.0.1:1 > 10.0.0.2:2', 'vlan:2.id')).toBe('7');
    expect(value('tcp 10.0.0.1:1 > 10.0.0.2:2 flags syn,ack', 'tcp.flags')).toBe('SYN,ACK');
    expect(value('udp 10.0.0.1:1 > 10.0.0.2:2 frag 16+', 'ip.frag')).toBe('16 MF');
    expect(value('udp 10.0.0.1:1 > 10.0.0.2:2 payload hex:0aff', 'payload')).toBe('0aff');
    expect(value('udp [fd00::1]:1 > [fd00::2]:2 frag 0+', 'udp.dport')).toBe('2');
    // Hop-by-hop options in front of an ICMPv6 header.
    expect(value('0 fd00::1 > fd00::2 payload hex:3a00010400000000 8000000000010001', 'icmp6.type')).toBe('128');
  });

  test('inside VXLAN is decoded to its innermost header', () => {
    const inner = bytesOf('tcp 192.168.0.1:1 > 192.168.0.2:2').toString('hex');
    const fields = decodePacket(bytesOf(`udp 10.0.0.1:1 > 10.0.0.2:4789 payload hex:0800000000002a00 ${inner}`));
    expect(summarizePacket(fields)).toBe('tcp 192.168.0.1:1 > 192.168.0.2:2');
    expect(fields.filter(({ name }) => /vni|ip:2\.src/.test(name)).map(({ value }) => value)).toEqual(['42', '192.168.0.1']);
  });

  test.each([
    ['', 'a protocol is missing'],
    ['udp', 'SOURCE > DESTINATION is missing'],
    ['udp 10.0.0.1:1', '> in SOURCE > DESTINATION is missing'],
    ['udp 10.0.0.1:1 10.0.0.2:2', "'10.0.0.2:2': write SOURCE > DESTINATION"],
    ['udp 10.0.0:1 > 10.0.0.2:2', "'10.0.0:1': write ADDRESS"],
    ['udp 10.0.0.1:70000 > 10.0.0.2:2', 'ports end at 65535'],
    ['udp 10.0.0.1:1 > [fd00::1]:1', 'different families'],
    ['quic 10.0.0.1:1 > 10.0.0.2:2', "'quic': protocols are"],
    ['256 10.0.0.1 > 10.0.0.2', "'256': protocols are"],
    ['icmp 10.0.0.1:1 > 10.0.0.2', 'has no ports'],
    ['udp 10.0.0.1:1 > 10.0.0.2:2 flags syn', "'flags': this protocol has no such field"],
    ['tcp 10.0.0.1:1 > 10.0.0.2:2 flags syn,xyz', 'flags are names'],
    ['tcp 10.0.0.1:1 > 10.0.0.2:2 ttl', 'a value of ttl is missing'],
    ['tcp 10.0.0.1:1 > 10.0.0.2:2 ttl 256', 'ttl is a number to 255'],
    ['tcp 10.0.0.1:1 > 10.0.0.2:2 constructor 1', 'options are flags'],
    ['udp 10.0.0.1:1 > 10.0.0.2:2 frag 3', 'multiples of 8'],
    ['udp 10.0.0.1:1 > 10.0.0.2:2 payload hex:abc', 'pairs of hexadecimal digits'],
    ['vlan 4096 udp 10.0.0.1:1 > 10.0.0.2:2', 'vlan is a number to 4095'],
    ['eth 02:00 > 02:00 udp 10.0.0.1:1 > 10.0.0.2:2', 'a MAC address is written'],
  ])('%j is refused', (words, why) => {
    expect(() => parsePacketWords(words)).toThrow(expect.objectContaining({ code: 'SL2560', message: expect.stringContaining(why) }));
  });
});

test('CRC32c is that of the catalogue of checksums', () => {
  expect(crc32c(Buffer.from('123456789'))).toBe(0xe306_9283);
});

describe('a capture', () => {
  const frames = [bytesOf('udp 10.0.0.1:1 > 10.0.0.2:2'), bytesOf('tcp [fd00::1]:1 > [fd00::2]:80')];
  const read = (file: Buffer): Buffer[] => [...readCapture(file, 'x.pcap')].map(({ bytes }) => bytes);
  /** A block of pcapng around its body. */
  const block = (type: number, body: Buffer): Buffer => {
    const padded = Buffer.concat([body, Buffer.alloc((4 - (body.length % 4)) % 4)]);
    const words = Buffer.alloc(12);
    words.writeUInt32LE(type, 0);
    words.writeUInt32LE(padded.length + 12, 4);
    words.writeUInt32LE(padded.length + 12, 8);
    return Buffer.concat([words.subarray(0, 8), padded, words.subarray(8)]);
  };
  const u32 = (...numbers: number[]): Buffer => Buffer.concat(numbers.map((number) => Buffer.from(Uint32Array.of(number).buffer)));
  const section = block(0x0a0d_0d0a, u32(0x1a2b_3c4d, 0x0000_0001, 0xffff_ffff, 0xffff_ffff));
  const enhanced = (frame: Buffer, iface = 0): Buffer => block(6, Buffer.concat([u32(iface, 0, 0, frame.length, frame.length), frame]));

  test('is read in pcap, also of the other byte order', () => {
    expect(read(writePcap(frames))).toEqual(frames);
    const swapped = writePcap(frames);
    for (let at = 0; at < 24; at += 4) swapped.subarray(at, at + 4).reverse();
    for (let at = 24, i = 0; i < frames.length; at += 16 + frames[i++]!.length) for (let word = 0; word < 16; word += 4) swapped.subarray(at + word, at + word + 4).reverse();
    expect(read(swapped)).toEqual(frames);
  });

  test('is read in pcapng, by interface and without', () => {
    const file = Buffer.concat([section, block(1, u32(1, 0)), block(5, u32(0, 0)), enhanced(frames[0]!), block(3, Buffer.concat([u32(frames[1]!.length), frames[1]!]))]);
    expect(read(file)).toEqual(frames);
  });

  test('without Ethernet headers is given some', () => {
    const raw = frames.map((frame) => frame.subarray(14));
    expect(read(writePcap(raw, 101)).map((frame) => frame.subarray(12))).toEqual(frames.map((frame) => frame.subarray(12)));
    expect(read(writePcap(raw.map((packet) => Buffer.concat([Buffer.alloc(20), packet])), 276)).map((frame) => frame.subarray(12))).toEqual(frames.map((frame) => frame.subarray(12)));
    expect(read(Buffer.concat([section, block(1, u32(101, 0)), enhanced(raw[0]!)])).map((frame) => frame.subarray(14))).toEqual([raw[0]]);
  });

  test.each([
    [Buffer.from('hello'), 'neither pcap nor pcapng'],
    [writePcap(frames).subarray(0, 50), 'cut off in a packet'],
    [writePcap(frames).subarray(0, 30), 'cut off in a record'],
    [writePcap(frames, 105), 'link type 105 is neither Ethernet nor IP'],
    [Buffer.concat([section, enhanced(frames[0]!)]), 'link type undefined'],
    [Buffer.concat([section, block(1, u32(1, 0)), enhanced(frames[0]!).subarray(0, 40)]), 'a block of'],
  ])('that is damaged is refused (%#)', (file, why) => {
    expect(() => read(file)).toThrow(expect.objectContaining({ code: 'SL2562', message: expect.stringContaining(why) }));
  });
});
