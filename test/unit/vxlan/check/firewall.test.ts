import { expect, it } from 'vitest';
import { parseSave } from '../../../../src/domain/netfilter/index.ts';
import { walkFirewall } from '../../../../src/domain/vxlan/check/audit/firewall/walk.ts';
import { audit } from './situation.ts';

const rules = (...lines: string[]) => [parseSave(
  ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ...lines, 'COMMIT', ''].join('\n'), { family: 'ipv4', backend: 'legacy', source: 'test' },
)];

/** Verdicts of packets from the remote, to it, and of the message for a pod. */
const walk = async (...lines: string[]) => (await walkFirewall(audit(1), rules(...lines))).map(({ way, verdict, rule, fix }) => [way, verdict, rule, fix].filter((one) => one !== undefined).join(' '));

it.each<[string, string[], string[]]>([
  ['nothing', [], ['in accept', 'out accept', 'too-big accept']],
  ['other ports', ['-A INPUT -p udp -m udp --dport 8472 -j DROP', '-A INPUT -p tcp -j DROP'], ['in accept', 'out accept', 'too-big accept']],
  ['the port, on arrival', ['-A INPUT -p udp -m udp --dport 4789 -j DROP'],
    ['in drop filter/INPUT#1 (-A INPUT -p udp -m udp --dport 4789 -j DROP) iptables-legacy -t filter -D INPUT 1', 'out accept', 'too-big accept']],
  ['another sender', ['-A INPUT -s 172.30.0.9/32 -p udp -m udp --dport 4789 -j DROP'], ['in accept', 'out accept', 'too-big accept']],
  ['what is not let in by name', ['-A INPUT -s 172.30.0.2/32 -i eth0 -p udp -m udp --dport 4789 -j ACCEPT', '-A INPUT -j REJECT'], ['in accept', 'out accept', 'too-big accept']],
  ['a chain', ['-N NODES', '-A OUTPUT -o eth0 -j NODES', '-A NODES -d 172.30.0.0/24 -j REJECT'].map((line) => line.replace('-N NODES', ':NODES - [0:0]')),
    ['in accept', 'out drop filter/NODES#1 (-A NODES -d 172.30.0.0/24 -j REJECT) iptables-legacy -t filter -D NODES 1', 'too-big accept']],
  ['messages to pods', ['-A OUTPUT -p icmp -m icmp --icmp-type 3/4 -j DROP'],
    ['in accept', 'out accept', 'too-big drop filter/OUTPUT#1 (-A OUTPUT -p icmp -m icmp --icmp-type 3/4 -j DROP) iptables-legacy -t filter -D OUTPUT 1']],
  ['what only the kernel can tell', ['-A INPUT -p udp -m statistic --mode random --probability 0.5 -j DROP'], ['in undetermined', 'out accept', 'too-big accept']],
])('rules that drop %s', async (_, lines, verdicts) => expect(await walk(...lines)).toEqual(verdicts));

it('a policy drops, too', async () => {
  const [ruleset] = rules();
  const closed = { ...ruleset!, tables: ruleset!.tables.map((table) => ({ ...table, chains: table.chains.map((chain) => ({ ...chain, policy: 'DROP' as const })) })) };
  const facts = await walkFirewall(audit(1), [closed]);
  expect(facts.map(({ way, verdict, rule }) => `${way} ${verdict} ${rule}`)).toEqual(['in drop the policy of filter/INPUT', 'out drop the policy of filter/OUTPUT', 'too-big drop the policy of filter/OUTPUT']);
});
