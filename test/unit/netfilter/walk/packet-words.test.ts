import { describe, expect, it } from 'vitest';
import { readPacket, type PacketWords } from '../../../../src/domain/netfilter/index.ts';
import { UsageError } from '../../../../src/lib/errors.ts';

const words: PacketWords = { proto: 'tcp', from: '192.0.2.7', to: '10.0.0.1:80' };

describe('readPacket', () => {
  it('takes a new connection for granted', () => {
    const { packet, states } = readPacket(words);
    expect(states).toEqual(['NEW']);
    expect(packet).toMatchObject({ family: 'ipv4', protocol: 6, sourcePort: undefined, destinationPort: 80, tcpFlags: 2, mark: 0 });
  });

  it.each<[Partial<PacketWords>, object]>([
    [{ state: 'established,dnat' }, { tcpFlags: 16 }],
    [{ tcpFlags: 'SYN,ACK' }, { tcpFlags: 18 }],
    [{ tcpFlags: 'NONE' }, { tcpFlags: 0 }],
    [{ mark: '0x4000' }, { mark: 0x4000 }],
    [{ proto: '132' }, { protocol: 132, tcpFlags: undefined }],
    [{ proto: 'icmp', to: '10.0.0.1' }, { icmp: { type: 8, code: 0 } }],
    [{ proto: 'icmp', to: '10.0.0.1', icmpType: '3/4' }, { icmp: { type: 3, code: 4 } }],
    [{ proto: 'icmp', from: 'fd00::1', to: 'fd00::2' }, { protocol: 58, icmp: { type: 128, code: 0 } }],
    [{ from: '[fd00::1]:5', to: '[fd00::2]:80' }, { family: 'ipv6', sourcePort: 5, source: [0xfd000000, 0, 0, 1] }],
    [{ fragment: true }, { header: { fragmentOffset: 185, bytes: 1480 } }],
  ])('reads %j', (change, expected) => expect(readPacket({ ...words, ...change }).packet).toMatchObject(expected));

  it.each<[Partial<PacketWords>, RegExp]>([
    [{ to: '10.0.0' }, /--to 10\.0\.0: not an address/],
    [{ to: '10.0.0.1:99999' }, /ports end at 65535/],
    [{ to: 'fd00::1' }, /different families/],
    [{ proto: 'bogus' }, /unknown protocol/],
    [{ proto: '0' }, /unknown protocol/],
    [{ proto: 'icmp' }, /has no ports/],
    [{ state: 'OLD' }, /--state OLD/],
    [{ state: 'NEW,ESTABLISHED' }, /--state NEW,ESTABLISHED/],
    [{ mark: '-1' }, /--mark -1/],
    [{ mark: '0x1ffffffff' }, /--mark/],
    [{ tcpFlags: 'SYN,XXX' }, /unknown flag XXX/],
    [{ proto: 'udp', tcpFlags: 'SYN' }, /needs --proto tcp/],
    [{ icmpType: '8' }, /needs --proto icmp/],
    [{ proto: 'icmp', to: '10.0.0.1', icmpType: '300' }, /--icmp-type 300/],
  ])('refuses %j', (change, message) => {
    expect(() => readPacket({ ...words, ...change })).toThrow(UsageError);
    expect(() => readPacket({ ...words, ...change })).toThrow(message);
  });
});
