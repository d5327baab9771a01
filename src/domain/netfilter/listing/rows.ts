import { NotFoundError, UsageError } from '../../../lib/errors.ts';
import { sanitize } from '../../../lib/text.ts';
import type { Backend, Chain, Counters, Family, Rule, Ruleset, Table } from '../model.ts';
import { printRule } from '../save/print.ts';
import { targetName } from '../save/target.ts';
import { objectOf } from '../walk/object.ts';
import { addressText, describeMatch, describeTests, interfaceText, protocolText, targetOptions } from './describe.ts';
import { ownerOf } from './owner.ts';

/** One rule, or the policy of a chain where `number` is absent. */
export interface RuleRow {
  family: Family;
  backend: Backend;
  table: string;
  chain: string;
  number: number | undefined;
  packets: bigint | undefined;
  bytes: bigint | undefined;
  target: string;
  in: string | undefined;
  out: string | undefined;
  protocol: string | undefined;
  source: string | undefined;
  destination: string | undefined;
  match: string;
  /** Who wrote it: `unknown` when nothing tells, `-` for a policy. */
  owner: string;
  /** What it is about in the owner's words, such as `svc shop/web`. */
  object: string | undefined;
}

/** A chain or rule with everything that is known about it. */
export interface RuleDetail {
  /** `filter/INPUT` or `filter/INPUT#3`. */
  at: string;
  family: Family;
  backend: Backend;
  owner: string;
  object: string | undefined;
  /** Other rulesets that have such a place, as `legacy ipv6`. */
  alsoIn: string[];
  policy: string | undefined;
  packets: bigint | undefined;
  bytes: bigint | undefined;
  tests: string[];
  target: string;
  /** Rules that jump here, as `table/chain#n`. */
  calledBy: string[];
  native: string | undefined;
  /** The rules of a chain. */
  rules: RuleRow[];
}

export interface RowFilter {
  /** `TABLE` or `TABLE/CHAIN`. */
  place?: string;
  owner?: string;
  /** Only rules that no packet has hit. */
  unused?: boolean;
  /** Only the rules with most packets. */
  top?: number;
}

const TABLES = ['raw', 'mangle', 'nat', 'filter', 'security'];
const HOOKS = ['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'];

/**
 * Rules and policies in the order in which packets meet them: tables by hook priority, base chains by hook, called chains after.
 *
 * @throws NotFoundError when `place` names what is not there.
 */
export function listRows(rulesets: readonly Ruleset[], filter: RowFilter = {}): RuleRow[] {
  const [tableName, chainName] = (filter.place ?? '').split('/');
  const rows = rulesets.flatMap((ruleset) => sortTables(ruleset.tables)
    .filter(({ name }) => tableName === '' || name === tableName)
    .flatMap((table) => traversalOrder(table)
      .filter(({ name }) => chainName === undefined || name === chainName)
      .flatMap((chain) => chainRows(ruleset, table, chain))));
  if (filter.place !== undefined && rows.length === 0 && !hasPlace(rulesets, tableName!, chainName)) throw missing(filter.place, rulesets);
  const kept = rows.filter((row) => isWanted(row, filter));
  return filter.top === undefined ? kept : kept.sort(byPackets).slice(0, filter.top);
}

/** Policies are shown unless rules of some kind are asked for. */
function isWanted({ number, packets, owner }: RuleRow, { owner: wanted, unused, top }: RowFilter): boolean {
  if (number === undefined && (unused === true || top !== undefined)) return false;
  return (wanted === undefined || owner === wanted) && (unused !== true || packets === 0n);
}

const byPackets = (a: RuleRow, b: RuleRow): number => Number((b.packets ?? 0n) > (a.packets ?? 0n)) - Number((b.packets ?? 0n) < (a.packets ?? 0n));

/**
 * One chain (`filter/INPUT`) or rule (`filter/INPUT#3`), of the first ruleset that has it.
 *
 * @throws NotFoundError when none has it; UsageError when `place` names neither.
 */
export function describePlace(rulesets: readonly Ruleset[], place: string): RuleDetail {
  const match = /^([^/]+)\/([^#]+)(?:#(\d+))?$/.exec(place);
  if (match === null) throw new UsageError(`'${place}' is no chain or rule`, { hints: ['sluice iptables get filter/INPUT', 'sluice iptables get filter/INPUT#3'] });
  const [, tableName, chainName, number] = match;
  const found = rulesets.flatMap((ruleset) => {
    const table = ruleset.tables.find(({ name }) => name === tableName);
    const chain = table?.chains.find(({ name }) => name === chainName);
    return table === undefined || chain === undefined ? [] : [{ ruleset, table, chain }];
  });
  const having = number === undefined ? found : found.filter(({ chain }) => chain.rules[Number(number) - 1] !== undefined);
  const [first, ...others] = having;
  if (first === undefined) throw missing(place, rulesets, found[0]?.chain);
  const rule = number === undefined ? undefined : first.chain.rules[Number(number) - 1];
  const detail = rule === undefined ? describeChain(first.ruleset, first.table, first.chain) : describeRule(first.ruleset, first.table, first.chain, rule);
  return { ...detail, alsoIn: others.map(({ ruleset }) => `${ruleset.backend} ${ruleset.family}`) };
}

/** Chains in the order of their first call, base chains first; chains that nobody calls last. */
export function traversalOrder(table: Table): Chain[] {
  const chains = new Map(table.chains.map((chain) => [chain.name, chain]));
  const ordered = new Set<Chain>(HOOKS.flatMap((hook) => chains.get(hook) ?? []));
  for (const chain of ordered)
    for (const { target } of chain.rules)
      if ((target.kind === 'jump' || target.kind === 'goto') && chains.has(target.chain)) ordered.add(chains.get(target.chain)!);
  for (const chain of table.chains) ordered.add(chain);
  return [...ordered];
}

const sortTables = (tables: readonly Table[]): Table[] => [...tables].sort((a, b) => TABLES.indexOf(a.name) - TABLES.indexOf(b.name));

function chainRows(ruleset: Ruleset, table: Table, chain: Chain): RuleRow[] {
  const rows = chain.rules.map((rule) => ruleRow(ruleset, table, rule));
  if (chain.policy === undefined) return rows;
  return [...rows, {
    ...emptyRow(ruleset, table.name, chain.name), ...counts(chain.counters), target: chain.policy, match: 'policy', owner: '-',
  }];
}

function ruleRow(ruleset: Ruleset, table: Table, rule: Rule): RuleRow {
  return {
    ...emptyRow(ruleset, table.name, rule.chain), number: rule.number, ...counts(rule.counters), target: targetName(rule),
    in: interfaceText(rule.inInterface), out: interfaceText(rule.outInterface), protocol: protocolText(rule), source: addressText(rule.source),
    destination: addressText(rule.destination), match: describeMatch(rule), ...originOf(rule),
  };
}

/** All members present, so that every row has one shape. */
const emptyRow = ({ family, backend }: Ruleset, table: string, chain: string): RuleRow => ({
  family, backend, table, chain, number: undefined, packets: undefined, bytes: undefined, target: '', in: undefined, out: undefined,
  protocol: undefined, source: undefined, destination: undefined, match: '', owner: '-', object: undefined,
});

const counts = (counters: Counters | undefined): Pick<RuleRow, 'packets' | 'bytes'> => ({ packets: counters?.packets, bytes: counters?.bytes });

function originOf(rule: Rule): { owner: string; object: string | undefined } {
  const comment = rule.matches.find((match) => match.kind === 'comment')?.text ?? '';
  const owner = ownerOf(rule.chain, targetName(rule), comment);
  const object = objectOf(rule);
  return { owner, object: object === owner || object === comment ? undefined : object };
}

function describeRule({ family, backend }: Ruleset, table: Table, chain: Chain, rule: Rule): RuleDetail {
  return {
    at: `${table.name}/${chain.name}#${rule.number}`, family, backend, ...originOf(rule), alsoIn: [], policy: undefined, ...counts(rule.counters),
    tests: describeTests(rule), target: `${rule.target.kind === 'goto' ? 'goto ' : ''}${targetName(rule)} ${targetOptions(rule)}`.trim(),
    calledBy: callersOf(table, chain.name), native: printRule(rule, { counters: false }), rules: [],
  };
}

function describeChain(ruleset: Ruleset, table: Table, chain: Chain): RuleDetail {
  return {
    at: `${table.name}/${chain.name}`, family: ruleset.family, backend: ruleset.backend, owner: chain.policy === undefined ? ownerOf(chain.name, '', '') : '-', object: undefined, alsoIn: [],
    policy: chain.policy, ...counts(chain.counters), tests: [], target: '', calledBy: callersOf(table, chain.name), native: undefined,
    rules: chainRows(ruleset, table, chain),
  };
}

const callersOf = (table: Table, name: string): string[] =>
  table.chains.flatMap((chain) => chain.rules.flatMap(({ target, number }) =>
    (target.kind === 'jump' || target.kind === 'goto') && target.chain === name ? [`${table.name}/${chain.name}#${number}`] : []));

const hasPlace = (rulesets: readonly Ruleset[], table: string, chain: string | undefined): boolean =>
  rulesets.some(({ tables }) => tables.some(({ name, chains }) => name === table && (chain === undefined || chains.some((candidate) => candidate.name === chain))));

function missing(place: string, rulesets: readonly Ruleset[], chain?: Chain): NotFoundError {
  const tables = [...new Set(rulesets.flatMap((ruleset) => ruleset.tables.map(({ name }) => name)))];
  const cause = tables.length === 0 ? 'there are no tables' : `tables: ${tables.join(', ')}`;
  const causes = [chain === undefined ? cause : `the chain has ${chain.rules.length} ${chain.rules.length === 1 ? 'rule' : 'rules'}`];
  return new NotFoundError(`there is no ${sanitize(place)} here`, { causes, hints: ['sluice iptables list'] });
}
