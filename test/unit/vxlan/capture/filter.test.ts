import { describe, expect, it } from 'vitest';
import { compileFilter } from '../../../../src/domain/vxlan/capture/filter/compile.ts';
import { readTunnelPacket } from '../../../../src/domain/vxlan/capture/headers.ts';
import { ParseError } from '../../../../src/lib/errors.ts';
import { encapsulate, ethernet, innerFrame, MACS } from '../../../support/tunnel-packets.ts';

const read = (frame: Buffer, options: Parameters<typeof encapsulate>[1] = {}) => readTunnelPacket(encapsulate(frame, options), { linkHeader: false })!;

const PACKETS = {
  web: read(innerFrame({ from: '10.244.1.5', to: '10.244.2.8', protocol: 6, sourcePort: 80, destinationPort: 51000, tcpFlags: 0x12 })),
  dns: read(innerFrame({ from: '10.244.2.8', to: '10.96.0.10', protocol: 17, sourcePort: 40000, destinationPort: 53 }), { vni: 43 }),
  ping: read(innerFrame({ from: '10.244.1.5', to: '10.244.2.9', protocol: 1, icmp: [8, 0] }), { from: 'fd00::1', to: 'fd00::2' }),
  six: read(innerFrame({ from: 'fd00:1::5', to: 'fd00:2::8', protocol: 6, sourcePort: 443, destinationPort: 1500 })),
  arp: read(ethernet(MACS.inner, 0x0806, Buffer.from('00010800060400010a00000000010af401050000000000000af40208', 'hex'))),
  piece: read(innerFrame({ from: '10.244.1.5', to: '10.244.2.8', protocol: 17, fragmentOffset: 10, sourcePort: 53, destinationPort: 53 })),
} as const;

const passing = (filter: string): string[] => {
  const test = compileFilter(filter);
  return Object.entries(PACKETS).filter(([, packet]) => test(packet)).map(([name]) => name);
};

describe('a filter', () => {
  it.each([
    ['', ['web', 'dns', 'ping', 'six', 'arp', 'piece']],
    ['tcp', ['web', 'six']],
    ['ip6', ['six']],
    ['arp', ['arp']],
    ['icmp', ['ping']],
    ['host 10.244.2.8', ['web', 'dns', 'arp', 'piece']],
    ['10.244.2.8', ['web', 'dns', 'arp', 'piece']],
    ['ip host 10.244.2.8', ['web', 'dns', 'piece']],
    ['src 10.244.2.8', ['dns']],
    ['src host 10.244.2.8 or dst net 10.96.0.0/12', ['dns']],
    ['net 10.244.2.0/24', ['web', 'dns', 'ping', 'arp', 'piece']],
    ['net 10.244.2.0 mask 255.255.255.0', ['web', 'dns', 'ping', 'arp', 'piece']],
    ['dst net fd00:2::/32', ['six']],
    ['src and dst net 10.244.0.0/16', ['web', 'ping', 'arp', 'piece']],
    ['src or dst port 53', ['dns']],
    ['port 80 or 443', ['web', 'six']],
    ['tcp port 80 or 443 or udp port 53', ['web', 'dns', 'six']],
    ['udp src portrange 39999-40001', ['dns']],
    ['portrange 1000-2000', ['six']],
    ['ip proto 17', ['dns', 'piece']],
    ['not tcp and not arp', ['dns', 'ping', 'piece']],
    ['!(tcp || arp)', ['dns', 'ping', 'piece']],
    // Of equal rank, from left to right, as tcpdump has it.
    ['arp or tcp and host 10.244.1.5', ['web', 'arp']],
    ['arp or (tcp and host fd00:1::5)', ['six', 'arp']],
    ['ether src 0a:00:00:00:00:01', ['web', 'dns', 'ping', 'six', 'arp', 'piece']],
    ['ether dst host 0A:00:00:00:00:01', []],
    ['vni 43', ['dns']],
    ['vxlan 43 or tcp', ['web', 'dns', 'six']],
    // Before `vxlan` the outer packet, behind it the inner one.
    ['ip6 and vxlan and icmp', ['ping']],
    ['host 10.0.0.2 and vxlan 42 and port 80', ['web']],
    ['host 10.244.2.8 and vxlan', []],
    ['udp port 4789 and vxlan', ['web', 'dns', 'ping', 'six', 'arp', 'piece']],
  ])('%j passes %j', (filter, names) => expect(passing(filter)).toEqual(names));

  it.each([
    ['tcp[13] & 2 != 0', 4, "'[': bytes"],
    ['port', 5, 'a port is missing'],
    ['port http', 6, 'not a port'],
    ['port 65536', 6, 'not a port'],
    ['portrange 80', 11, 'no range'],
    ['host 10.0.0', 6, 'no address'],
    ['host nosuch', 6, 'no address'],
    ['net 10.0.0.1/8', 5, 'behind its prefix'],
    ['net 10.0.0.0/33', 5, 'no prefix length'],
    ['net 10', 5, 'in full'],
    ['(tcp', 5, "')' is missing"],
    ['tcp)', 4, "')' without"],
    ['tcp udp', 5, 'before'],
    ['tcp and', 8, 'missing at the end'],
    ['and tcp', 1, 'a test is missing'],
    ['vxlan 16777216', 7, 'not a VNI'],
    ['vni', 4, 'a VNI is missing'],
    ['greater 100', 1, 'a test is missing'],
    ['tcp proto 6', 11, 'no test'],
    ['ether src 10.0.0.1', 11, 'no hardware address'],
    ['host 10.0.0.1; reboot', 14, 'no part of a filter'],
    ['len > 100', 5, 'cannot be compared'],
  ])('%j is refused at column %i', (filter, column, text) => {
    const attempt = () => compileFilter(filter);
    expect(attempt).toThrow(ParseError);
    expect(attempt).toThrow(`filter:1:${column}: `);
    expect(attempt).toThrow(text);
  });
});
