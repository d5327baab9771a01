import { formatAddress } from '../../../lib/ip.ts';
import type { Chain, Match, OpaqueMatch, PortMatch, Rule, Ruleset, Table, TcpMatch } from '../model.ts';

/** A table's chains by name. */
export type Chains = ReadonlyMap<string, Chain>;

/** The chains of a table of a ruleset; empty when it has no such table. */
export function chainsOf(ruleset: Ruleset, name: string): Chains {
  const table: Table | undefined = ruleset.tables.find((candidate) => candidate.name === name);
  return new Map((table?.chains ?? []).map((chain) => [chain.name, chain]));
}

/** The chain that a jump (not a goto) leads to. */
export const jumpTarget = (rule: Rule): string | undefined => (rule.target.kind === 'jump' ? rule.target.chain : undefined);

/** The name of the rule's target code, such as DNAT; DROP and ACCEPT included. */
export function targetName(rule: Rule): string | undefined {
  if (rule.target.kind === 'native') return rule.target.name;
  if (rule.target.kind === 'drop') return 'DROP';
  return rule.target.kind === 'accept' ? 'ACCEPT' : undefined;
}

/** The text of the rule's comment; empty without one. */
export function commentOf(rule: Rule): string {
  return rule.matches.find((match) => match.kind === 'comment')?.text ?? '';
}

/** A match of its own kind in the kernel that the model keeps as text. */
export function opaqueMatch(rule: Rule, name: string): OpaqueMatch | undefined {
  return rule.matches.find((match): match is OpaqueMatch => match.kind === 'opaque' && match.name === name);
}

/** What a rule tests, by short names, so that a shape can be compared: `['-d', '-p', 'tcp']`. Comments do not test. */
export function testsOf(rule: Rule): string[] {
  const header = [
    rule.source && '-s', rule.destination && '-d', rule.inInterface && '-i', rule.outInterface && '-o', rule.protocol && '-p',
    rule.fragment && '-f',
  ].filter((name) => name !== undefined);
  return [...header, ...rule.matches.filter((match) => match.kind !== 'comment').map(matchName)];
}

const matchName = (match: Match): string => (match.kind === 'opaque' ? match.name : match.kind);

/** Whether the rule tests exactly these things, in any order. */
export function testsExactly(rule: Rule, ...names: string[]): boolean {
  const tests = testsOf(rule);
  return tests.length === names.length && names.every((name) => tests.includes(name));
}

const PROTOCOLS: Readonly<Record<number, KubeProtocol>> = { 6: 'tcp', 17: 'udp', 132: 'sctp' };

/** The transport protocols a service can have. */
export type KubeProtocol = 'tcp' | 'udp' | 'sctp';

/** The protocol of a plain `-p`. */
export function protocolOf(rule: Rule): KubeProtocol | undefined {
  return rule.protocol === undefined || rule.protocol.negated ? undefined : PROTOCOLS[rule.protocol.value];
}

/** The port of a plain `--dport N` of the rule's own protocol, without any other test of the transport header. */
export function destinationPort(rule: Rule): number | undefined {
  const match = rule.matches.find(isTransport);
  if (match?.destinationPort === undefined || match.kind !== protocolOf(rule)) return undefined;
  const { negated, value } = match.destinationPort;
  const onlyPort = match.sourcePort === undefined && match.uninterpreted.length === 0 && !('flags' in match && match.flags !== undefined);
  return onlyPort && !negated && value.low === value.high ? value.low : undefined;
}

const isTransport = (match: Match): match is TcpMatch | PortMatch => match.kind === 'tcp' || match.kind === 'udp' || match.kind === 'sctp';

/** The one address of a plain `-d ADDRESS` (or `-s`), a full-length prefix. */
export function hostAddress(test: Rule['source']): string | undefined {
  const [prefix, ...more] = test?.value ?? [];
  if (test === undefined || test.negated || prefix === undefined || more.length > 0) return undefined;
  return prefix.mask.every((word) => word === 0xffff_ffff) ? formatAddress(prefix.address) : undefined;
}

/** `CHAIN#3 not understood: -s … -j …`: how what does not fit is reported. */
export function notUnderstood(rule: Rule): string {
  return `${rule.chain}#${rule.number} not understood: ${ruleText(rule)}`;
}

/** The options of a rule as they stood. */
function ruleText(rule: Rule): string {
  return rule.options.map(({ negated, name, values }) => [...(negated ? ['!'] : []), name, ...values.map(({ raw }) => raw)].join(' ')).join(' ');
}
