/**
 * Every packet against every rule: what `ruleMatches` says and what the counters of the real iptables say.
 *
 * A packet is told apart by its time to live and goes to a chain of its own that holds all rules, without targets.
 */
import { beforeAll, describe, expect, it } from 'vitest';
import { parseSave, ruleMatches, type Backend, type Chain, type Family } from '../../../src/domain/netfilter/index.ts';
import { packetCounts } from '../../support/counters.ts';
import { IN_INTERFACE, makeForwarder, OUT_INTERFACE, settle } from '../../support/forwarder.ts';
import { toPacket, type FrameSpec } from '../../support/frames.ts';
import { requireRoot, requireTool } from '../../support/require.ts';

const [TCP, UDP, ICMP, ICMPV6, SCTP, GRE] = [6, 17, 1, 58, 132, 47];

type Spec = Omit<FrameSpec, 'ttl' | 'source' | 'destination' | 'inInterface' | 'outInterface'> & { source?: string; destination?: string };

const PACKETS_IPV4: Spec[] = [
  { protocol: UDP, sourcePort: 22, destinationPort: 15 },
  { protocol: UDP, sourcePort: 22, destinationPort: 16 },
  { protocol: UDP, sourcePort: 23, destinationPort: 15 },
  { protocol: UDP, sourcePort: 1000, destinationPort: 150 },
  { protocol: UDP, sourcePort: 0, destinationPort: 65535, source: '10.9.1.200' },
  { protocol: UDP, sourcePort: 5, destinationPort: 5, destination: '10.20.99.7', mark: 0x4000 },
  { protocol: UDP, sourcePort: 5, destinationPort: 5, destination: '10.200.0.9', mark: 0xff },
  // Headers cut short, whole fragments, and what is left of a fragment.
  ...[7, 4, 3, 2, 0].map((bytes) => ({ protocol: UDP, sourcePort: 22, destinationPort: 15, bytes })),
  { protocol: UDP, sourcePort: 22, destinationPort: 15, moreFragments: true },
  { protocol: UDP, sourcePort: 22, destinationPort: 15, fragmentOffset: 1 },
  { protocol: UDP, sourcePort: 22, destinationPort: 15, fragmentOffset: 2 },
  { protocol: UDP, sourcePort: 22, destinationPort: 15, fragmentOffset: 2, bytes: 3 },
  { protocol: TCP, sourcePort: 22, destinationPort: 15, tcpFlags: 0x02 },
  { protocol: TCP, sourcePort: 1, destinationPort: 80, tcpFlags: 0x12 },
  { protocol: TCP, sourcePort: 1, destinationPort: 80, tcpFlags: 0xc2 },
  ...[19, 14, 13, 4, 3].map((bytes) => ({ protocol: TCP, sourcePort: 22, destinationPort: 15, tcpFlags: 2, bytes })),
  { protocol: TCP, sourcePort: 22, destinationPort: 15, tcpFlags: 2, fragmentOffset: 1 },
  { protocol: TCP, sourcePort: 22, destinationPort: 15, tcpFlags: 2, fragmentOffset: 2 },
  { protocol: ICMP, icmp: { type: 8, code: 0 } },
  { protocol: ICMP, icmp: { type: 3, code: 4 } },
  { protocol: ICMP, icmp: { type: 255, code: 1 } },
  { protocol: ICMP, icmp: { type: 8, code: 0 }, bytes: 7 },
  { protocol: ICMP, icmp: { type: 8, code: 0 }, fragmentOffset: 3 },
  { protocol: SCTP, sourcePort: 22, destinationPort: 15 },
  { protocol: SCTP, sourcePort: 22, destinationPort: 15, bytes: 11 },
  { protocol: SCTP, sourcePort: 22, destinationPort: 15, bytes: 4 },
  { protocol: GRE },
];

const HEADER_RULES = [
  '-p udp', '! -p udp', '-s 10.9.1.5/32', '! -s 10.9.1.5/32', '-s 10.9.1.128/25', '-d 10.20.0.0/16 ! -s 10.9.1.200/32',
  '-d 10.0.0.7/255.0.0.255', '! -d 10.0.0.7/255.0.0.255', `-i ${IN_INTERFACE}`, `! -i ${IN_INTERFACE}`, '-i eth+', '-i +', '! -i eth+',
  `-o ${OUT_INTERFACE}`, `! -o ${OUT_INTERFACE}`, `-o ${IN_INTERFACE}`, `-i ${IN_INTERFACE} -o ${OUT_INTERFACE}`, '-i x+', '-f', '! -f',
];

const UDP_RULES = [
  '', '--dport 15', '! --dport 15', '--dport 15:20', '! --dport 15:20', '--sport 22', '--sport 22 --dport 15', '! --sport 22 ! --dport 15',
  '! --sport 22 --dport 15', '--sport 22 ! --dport 15', '! --sport 22:22 ! --dport 15:16', '--dport 60000:29', '! --dport 60000:29',
  '! --dport 0:65535', '--dport 0:65535', '--sport 0:1023', '! --sport 0:1023', '! --sport 0:65535 --dport 15', '--dport 1024:65535',
].map((ports) => `-p udp -m udp ${ports}`.trim());

const TCP_RULES = [
  '', '--tcp-flags SYN,ACK SYN', '! --tcp-flags SYN,ACK SYN', '--dport 15 --tcp-flags SYN SYN', '--dport 15', '! --sport 22 ! --dport 15',
  '--tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE', '--tcp-flags FIN,SYN,RST,PSH,ACK,URG SYN', '--tcp-flags SYN ACK',
  '! --sport 22 ! --dport 15 --tcp-flags SYN SYN',
].map((tests) => `-p tcp -m tcp ${tests}`.trim());

const EXTENSION_RULES = [
  '-p icmp -m icmp --icmp-type 8', '-p icmp -m icmp ! --icmp-type 8', '-p icmp -m icmp --icmp-type 3/4', '-p icmp -m icmp --icmp-type any',
  '-p icmp -m icmp ! --icmp-type any', '-p icmp -m icmp ! --icmp-type 3/4', '-p sctp -m sctp --dport 15', '-p sctp -m sctp ! --dport 15',
  '-p udp -m multiport --dports 15,16', '-p udp -m multiport ! --dports 15,16', '-p udp -m multiport --ports 100:200,22',
  '-p udp -m multiport ! --ports 100:200,22', '-p udp -m multiport --sports 22 -m udp --dport 15', '-p tcp -m multiport --dports 15,80',
  '-m iprange --src-range 10.9.1.4-10.9.1.6', '-m iprange ! --src-range 10.9.1.4-10.9.1.6',
  '-m iprange --src-range 10.9.1.4-10.9.1.6 ! --dst-range 10.20.0.0-10.20.0.255', '-m iprange --src-range 10.9.1.9-10.9.1.1',
  '-m iprange ! --src-range 10.9.1.9-10.9.1.1', '-m mark --mark 0x4000/0x4000', '-m mark ! --mark 0x4000/0x4000', '-m mark --mark 0x0',
  '-m mark --mark 0xff/0x0f', '-m mark ! --mark 0xff/0x0f', '-m mark --mark 0xf/0xf', '-m comment --comment hi',
];

const PACKETS_IPV6: Spec[] = [
  { protocol: UDP, sourcePort: 22, destinationPort: 15 },
  { protocol: UDP, sourcePort: 23, destinationPort: 16 },
  { protocol: UDP, sourcePort: 22, destinationPort: 15, hopByHop: true },
  { protocol: UDP, sourcePort: 22, destinationPort: 15, bytes: 7 },
  { protocol: UDP, sourcePort: 22, destinationPort: 15, bytes: 3 },
  { protocol: UDP, sourcePort: 22, destinationPort: 15, fragmentOffset: 2 },
  { protocol: UDP, sourcePort: 22, destinationPort: 15, moreFragments: true },
  { protocol: TCP, sourcePort: 22, destinationPort: 15, tcpFlags: 2 },
  { protocol: TCP, sourcePort: 22, destinationPort: 15, tcpFlags: 2, fragmentOffset: 1 },
  { protocol: TCP, sourcePort: 22, destinationPort: 15, tcpFlags: 2, fragmentOffset: 5 },
  { protocol: TCP, sourcePort: 22, destinationPort: 15, tcpFlags: 2, bytes: 13 },
  { protocol: ICMPV6, icmp: { type: 128, code: 0 } },
  { protocol: ICMPV6, icmp: { type: 255, code: 3 } },
  { protocol: ICMPV6, icmp: { type: 128, code: 0 }, bytes: 7 },
  { protocol: ICMPV6, icmp: { type: 1, code: 4 }, fragmentOffset: 2 },
  { protocol: SCTP, sourcePort: 22, destinationPort: 15, source: 'fd09:1::ffff' },
  { protocol: 59 },
  // Chains of extension headers that are cut off, and fragments that begin with one.
  { protocol: 60, bytes: 1 },
  { protocol: 43, bytes: 1 },
  { protocol: 60, fragmentOffset: 3 },
  { protocol: 51, fragmentOffset: 3 },
  { protocol: 59, fragmentOffset: 3 },
];

const RULES_IPV6 = [
  '-p udp', '! -p udp', '-p tcp', '! -p tcp', '-p 59', '! -p 59', '-p 60', '! -p 60', '-p udp -m udp', '-p tcp -m tcp', '-p udp -m udp --dport 15',
  '-p udp -m udp ! --dport 15', '-p udp -m udp --dport 35', '-p udp -m udp ! --sport 22 ! --dport 15', '-p udp -m udp --sport 22:30',
  '-p tcp -m tcp --dport 15', '-p tcp -m tcp ! --dport 16', '-p tcp -m tcp --tcp-flags SYN,ACK SYN', '-p tcp -m tcp --sport 24867',
  '-p tcp -m tcp --tcp-flags FIN,SYN,RST,PSH,ACK,URG NONE', '-p ipv6-icmp -m icmp6 --icmpv6-type 128',
  '-p ipv6-icmp -m icmp6 ! --icmpv6-type 128', '-p ipv6-icmp -m icmp6 --icmpv6-type 255', '-p ipv6-icmp -m icmp6 ! --icmpv6-type 255/3',
  '-p ipv6-icmp -m icmp6 --icmpv6-type 1/4', '-p udp -m multiport --dports 15,16', '-p udp -m multiport ! --ports 22', '-s fd09:1::5/128',
  '! -s fd09:1::5/128', '-s fd09:1::/64', '-s fd09:1::fff0/124', '-d fd20::/16 ! -s fd09:1::5/128', '-s ::5/ffff::ffff',
  '-m iprange --src-range fd09:1::1-fd09:1::6', `-i ${IN_INTERFACE}`, '! -i eth+', '-p sctp -m sctp --dport 15',
];

const CASES: Record<Family, { packets: Spec[]; rules: string[]; source: string; destination: string; ttl: string }> = {
  ipv4: {
    packets: PACKETS_IPV4, rules: [...HEADER_RULES, ...UDP_RULES, ...TCP_RULES, ...EXTENSION_RULES],
    source: '10.9.1.5', destination: '10.20.0.7', ttl: '-m ttl --ttl-eq',
  },
  ipv6: { packets: PACKETS_IPV6, rules: RULES_IPV6, source: 'fd09:1::5', destination: 'fd20::7', ttl: '-m hl --hl-eq' },
};

const base = ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]'];

function frames(family: Family): FrameSpec[] {
  const { packets, source, destination } = CASES[family];
  return packets.map((packet, index) => ({ source, destination, ...packet, ttl: 10 + index, inInterface: IN_INTERFACE, outInterface: OUT_INTERFACE }));
}

/** Forwarding counts the time to live down before the rules of FORWARD see it. */
function ruleset(family: Family, specs: readonly FrameSpec[]): string {
  const { rules, ttl } = CASES[family];
  const marks = specs.filter(({ mark }) => mark !== undefined).map((spec) => `-A PREROUTING ${ttl} ${spec.ttl} -j MARK --set-mark ${spec.mark}`);
  return [
    '*mangle', ':PREROUTING ACCEPT [0:0]', ...marks, 'COMMIT', ...base,
    ...specs.map((spec) => `:P${spec.ttl} - [0:0]`),
    ...specs.map((spec) => `-A FORWARD ${ttl} ${spec.ttl - 1} -g P${spec.ttl}`),
    ...specs.flatMap((spec) => rules.map((rule) => `-A P${spec.ttl} ${rule}`)), 'COMMIT', '',
  ].join('\n');
}

/** The rules as they were written: what iptables-nft saves has lost some of them. */
function writtenRules(family: Family, backend: Backend): Chain {
  const text = [...base, ':P - [0:0]', ...CASES[family].rules.map((rule) => `-A P ${rule}`), 'COMMIT', ''].join('\n');
  return parseSave(text, { family, backend, source: 'rules' }).tables[0]!.chains.find(({ name }) => name === 'P')!;
}

/** The rules that match, up to one that drops. */
function predict(chain: Chain, spec: FrameSpec, backend: Backend): string[] {
  const matched: string[] = [];
  for (const rule of chain.rules) {
    const answer = ruleMatches(rule, toPacket(spec), { backend, addressType: () => undefined });
    if (answer === 'hotdrop') return matched;
    if (answer !== false) matched.push(`${answer === 'unknown' ? 'unknown ' : ''}${rule.number}`);
  }
  return matched;
}

describe.each(['ipv4', 'ipv6'] as const)('%s rules', (family) => {
  beforeAll(() => {
    requireRoot();
    requireTool('python3');
  });

  it.each(['legacy', 'nft'] as const)('match in iptables-%s what ruleMatches says', async (backend) => {
    const specs = frames(family);
    const forwarder = makeForwarder();
    try {
      forwarder.load(ruleset(family, specs), family, backend);
      forwarder.send(specs);
      const counts = await settle(
        () => packetCounts(forwarder.save(family, backend), family, backend),
        (seen) => specs.every((_, index) => seen.get(`filter/FORWARD#${index + 1}`) === 1));
      const chain = writtenRules(family, backend);
      for (const [index, spec] of specs.entries()) {
        expect(counts.get(`filter/FORWARD#${index + 1}`), `packet ${index} seen`).toBe(1);
        const counted = chain.rules.filter(({ number }) => counts.has(`filter/P${spec.ttl}#${number}`)).map(({ number }) => `${number}`);
        expect(predict(chain, spec, backend), JSON.stringify(CASES[family].packets[index])).toEqual(counted);
      }
    } finally {
      forwarder.close();
    }
  });
});
