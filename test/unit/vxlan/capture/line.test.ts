import { describe, expect, it } from 'vitest';
import { readTunnelPacket } from '../../../../src/domain/vxlan/capture/headers.ts';
import { formatPacket } from '../../../../src/domain/vxlan/capture/line.ts';
import { PcapBuffer } from '../../../../src/domain/vxlan/capture/file.ts';
import { encapsulate, ethernet, innerFrame, MACS } from '../../../support/tunnel-packets.ts';

const line = (frame: Buffer, options: Parameters<typeof encapsulate>[1] = {}): string =>
  formatPacket(readTunnelPacket(ethernet(MACS.outer, options.from?.includes(':') === true ? 0x86dd : 0x0800, encapsulate(frame, options)), { linkHeader: true })!);

describe('a line', () => {
  it.each([
    [{ from: '10.244.1.5', to: '10.244.2.8', protocol: 6, sourcePort: 80, destinationPort: 51000, tcpFlags: 0x12 }, '10.244.1.5:80 > 10.244.2.8:51000 tcp SA'],
    [{ from: '10.244.1.5', to: '10.244.2.8', protocol: 6, sourcePort: 80, destinationPort: 51000, tcpFlags: 0 }, '10.244.1.5:80 > 10.244.2.8:51000 tcp -'],
    [{ from: 'fd00::5', to: 'fd00::8', protocol: 17, sourcePort: 53, destinationPort: 9 }, '[fd00::5]:53 > [fd00::8]:9 udp'],
    [{ from: '10.0.0.5', to: '10.0.0.8', protocol: 1, icmp: [8, 0] as [number, number] }, '10.0.0.5 > 10.0.0.8 icmp echo-request'],
    [{ from: 'fd00::5', to: 'fd00::8', protocol: 58, icmp: [135, 0] as [number, number] }, 'fd00::5 > fd00::8 icmp6 neighbour-solicitation'],
    [{ from: '10.0.0.5', to: '10.0.0.8', protocol: 1, icmp: [42, 7] as [number, number] }, '10.0.0.5 > 10.0.0.8 icmp type 42 code 7'],
    [{ from: '10.0.0.5', to: '10.0.0.8', protocol: 17, fragmentOffset: 9 }, '10.0.0.5 > 10.0.0.8 udp fragment'],
    [{ from: '10.0.0.5', to: '10.0.0.8', protocol: 99 }, '10.0.0.5 > 10.0.0.8 proto 99'],
  ])('%j', (inner, text) => expect(line(innerFrame(inner))).toBe(`10.0.0.1 > 10.0.0.2 vni 42 | ${text}`));

  it('names outer IPv6 addresses and the group policy', () => {
    const text = line(innerFrame({ from: '10.0.0.5', to: '10.0.0.8', protocol: 17, sourcePort: 1, destinationPort: 2 }), { from: 'fd00::1', to: 'fd00::2', vni: 7, policy: 512 });
    expect(text).toBe('fd00::1 > fd00::2 vni 7 policy 512 | 10.0.0.5:1 > 10.0.0.8:2 udp');
  });

  it('says what a frame without IP is, and that one is cut off', () => {
    expect(line(ethernet(MACS.inner, 0x88cc, Buffer.alloc(20)))).toBe('10.0.0.1 > 10.0.0.2 vni 42 | 0a:00:00:00:00:01 > 0a:00:00:00:00:02 ethertype 0x88cc');
    expect(line(Buffer.alloc(5))).toBe('10.0.0.1 > 10.0.0.2 vni 42 | cut off');
  });

  it('looks behind VLAN tags and extension headers', () => {
    const inner = innerFrame({ from: 'fd00::5', to: 'fd00::8', protocol: 0 });
    // Hop-by-hop options of 8 bytes, then UDP.
    inner.set([17, 0, 0, 0, 0, 0, 0, 0, 0, 53, 0, 9], 14 + 40);
    const tagged = Buffer.concat([inner.subarray(0, 12), Buffer.from('8100000a', 'hex'), inner.subarray(12)]);
    expect(line(tagged)).toBe('10.0.0.1 > 10.0.0.2 vni 42 | [fd00::5]:53 > [fd00::8]:9 udp');
  });

  it('is none for what is no VXLAN', () => {
    expect(readTunnelPacket(innerFrame({ from: '10.0.0.5', to: '10.0.0.8', protocol: 6 }), { linkHeader: true })).toBeUndefined();
    expect(readTunnelPacket(Buffer.alloc(0), { linkHeader: false })).toBeUndefined();
  });
});

it('a pcap file has its header first and each record with its lengths', () => {
  const parts: Buffer[] = [];
  const file = new PcapBuffer(1, (bytes) => parts.push(bytes));
  file.add(1_700_000_000_123_456_789n, 100, Buffer.from('abcd'));
  file.flush();
  const bytes = Buffer.concat(parts);
  expect(bytes.subarray(0, 24).toString('hex')).toBe('4d3cb2a10200040000000000000000000000040001000000');
  expect([24, 28, 32, 36].map((at) => bytes.readUInt32LE(at))).toEqual([1_700_000_000, 123_456_789, 4, 100]);
  expect(bytes.subarray(40).toString()).toBe('abcd');
});
