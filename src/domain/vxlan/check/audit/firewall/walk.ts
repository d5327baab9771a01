/** What the iptables rules of a node do to the packets that a tunnel lives on. */

import { printRule, readPacket, reportWalk, statedRouting, summarizeWalk, walkPacket, type PacketTest, type PacketWords, type Ruleset } from '../../../../netfilter/index.ts';
import type { Audit, FirewallFacts } from '../../model.ts';

/** Remotes that are walked through the rules; beyond that rules hardly differ. */
const MOST_REMOTES = 64;
/** A source port that the kernel may choose for an outer packet. */
const SOURCE_PORT = 50_000;

/** Walks one packet from each remote, one to it, and the message that tells a pod its packet is too big. */
export async function walkFirewall(audit: Audit, rulesets: readonly Ruleset[]): Promise<FirewallFacts[]> {
  const facts: FirewallFacts[] = [];
  for (const question of questionsOf(audit)) facts.push(await walkOne(question, rulesets));
  return facts;
}

interface Question {
  way: FirewallFacts['way'];
  remote: string;
  words: PacketWords;
}

function questionsOf(audit: Audit): Question[] {
  const { tunnel, underlay, addresses } = audit;
  const local = tunnel.local ?? addresses.find(({ device, address }) => device === underlay?.name && address.includes(':') === tunnel.ipv6)?.address;
  if (local === undefined || underlay === undefined) return [];
  const at = (address: string, port: number): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);
  const remotes = audit.remotes.filter(({ configured, isOwn, address }) => configured && !isOwn && address.includes(':') === local.includes(':')).slice(0, MOST_REMOTES);
  return [
    ...remotes.flatMap(({ address }): Question[] => [
      { way: 'in', remote: address, words: { proto: 'udp', from: at(address, SOURCE_PORT), to: at(local, tunnel.port), in: underlay.name } },
      { way: 'out', remote: address, words: { proto: 'udp', from: at(local, SOURCE_PORT), to: at(address, tunnel.port), out: underlay.name } },
    ]),
    ...tooBigTo(audit).map(({ from, to, out }): Question => ({
      way: 'too-big', remote: to, words: { proto: 'icmp', icmpType: '3/4', from, to, out, state: 'RELATED' },
    })),
  ];
}

/** Only nodes that route pods into the tunnel send this message: to a pod beside an IPv4 address of the node. */
function tooBigTo({ addresses, tunnel, underlay, routes }: Audit): { from: string; to: string; out: string }[] {
  const pods = addresses.filter(({ device, address, prefixLength }) =>
    !address.includes(':') && prefixLength < 31 && device !== 'lo' && device !== tunnel.name && device !== underlay?.name && !tunnel.addresses.includes(`${address}/${prefixLength}`));
  return routes.length === 0 ? [] : pods.slice(0, 1).map(({ address, device }) => ({ from: address, to: neighbourOf(address), out: device }));
}

/** Another address of the same network. */
const neighbourOf = (address: string): string => address.replace(/\d+$/, (last) => String(Number(last) ^ 2));

async function walkOne({ way, remote, words }: Question, rulesets: readonly Ruleset[]): Promise<FirewallFacts> {
  const { packet, states } = readPacket(words);
  const origin = way === 'in' ? 'outside' : 'local';
  const routing = statedRouting(way === 'in' ? { hook: 'local-in' } : { hook: 'local-out', ...(words.out === undefined ? {} : { outInterface: words.out }) });
  const paths = await walkPacket({ rulesets: rulesets.filter(({ family }) => family === packet.family), packet, states, origin, routing });
  const test = reportWalk(summarizeWalk(paths), { packet, states, origin }, []);
  return { way, remote, verdict: verdictOf(test), ...decision(test, rulesets) };
}

const verdictOf = ({ verdict }: PacketTest): FirewallFacts['verdict'] => (verdict === 'accept' || verdict === 'undetermined' ? verdict : 'drop');

/** The rule that decides, in the words of iptables, and the command that takes it away. */
function decision({ verdict, steps, decidedAt }: PacketTest, rulesets: readonly Ruleset[]): { rule?: string; fix?: string } {
  const step = verdict === 'accept' || verdict === 'undetermined' || decidedAt === undefined ? undefined : steps[decidedAt - 1];
  if (step === undefined) return {};
  const [, table = '', chain = '', number] = /^([^/]+)\/(.+?)(?:#(\d+))?$/.exec(step.at) ?? [];
  const ruleset = rulesets.find(({ backend, tables }) => (step.backend === undefined || backend === step.backend) && tables.some(({ name }) => name === table));
  const rule = ruleset?.tables.find(({ name }) => name === table)?.chains.find(({ name }) => name === chain)?.rules.find((one) => one.number === Number(number));
  const program = `${ruleset?.family === 'ipv6' ? 'ip6tables' : 'iptables'}${ruleset?.backend === 'legacy' ? '-legacy' : ''}`;
  if (rule === undefined) return { rule: `the policy of ${step.at}` };
  return { rule: `${step.at} (${printRule(rule, { counters: false })})`, fix: `${program} -t ${table} -D ${chain} ${number}` };
}
