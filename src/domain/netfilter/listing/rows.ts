import { NotFoundError, UsageError } from '../../../lib/errors.ts';
import type { Backend, Chain, Counters, Family, Rule, Ruleset, Table } from '../model.ts';
import { printRule } from '../save/print.ts';
import { targetName } from '../save/target.ts';
import { describeMatch, describeTests, optionText, targetOptions } from './describe.ts';
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
  owner: string;
}

export interface RuleDetail {
  at: string;
  family: Family;
  backend: Backend;
  owner: string;
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
 * Rules in the order in which packets meet them: tables by hook priority, base chains by hook, called chains after.
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
  const kept = rows.filter((row) => (filter.owner === undefined || row.owner === filter.owner) && (filter.unused !== true || (row.packets ?? 0n) === 0n));
  if (filter.top === undefined) return kept;
  return kept.sort((a, b) => ((a.packets ?? 0n) < (b.packets ?? 0n) ? 1 : -1)).slice(0, filter.top);
}

/** One chain (`filter/INPUT`) or rule (`filter/INPUT#3`). @throws NotFoundError, UsageError */
export function describePlace(rulesets: readonly Ruleset[], place: string): RuleDetail {
  const match = /^([^/]+)\/([^#]+)(?:#(\d+))?$/.exec(place);
  if (match === null) throw new UsageError(`'${place}' is no chain or rule`, { hints: ['sluice iptables get filter/INPUT', 'sluice iptables get filter/INPUT#3'] });
  const [, tableName, chainName, number] = match;
  for (const ruleset of rulesets) {
    const table = ruleset.tables.find(({ name }) => name === tableName);
    const chain = table?.chains.find(({ name }) => name === chainName);
    if (table === undefined || chain === undefined) continue;
    if (number === undefined) return describeChain(ruleset, table, chain);
    const rule = chain.rules[Number(number) - 1];
    if (rule !== undefined) return describeRule(ruleset, table, chain, rule);
  }
  throw missing(place, rulesets);
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
    in: optionText(rule, '-i'), out: optionText(rule, '-o'), protocol: optionText(rule, '-p'), source: optionText(rule, '-s'),
    destination: optionText(rule, '-d'), match: describeMatch(rule), owner: ownerOf(rule.chain, targetName(rule), commentOf(rule)),
  };
}

/** All members present, so that every row has one shape. */
const emptyRow = ({ family, backend }: Ruleset, table: string, chain: string): RuleRow => ({
  family, backend, table, chain, number: undefined, packets: undefined, bytes: undefined, target: '', in: undefined, out: undefined,
  protocol: undefined, source: undefined, destination: undefined, match: '', owner: '-',
});

const counts = (counters: Counters | undefined): Pick<RuleRow, 'packets' | 'bytes'> => ({ packets: counters?.packets, bytes: counters?.bytes });

function commentOf(rule: Rule): string {
  const comment = rule.matches.find(({ kind }) => kind === 'comment');
  return comment?.kind === 'comment' ? comment.text : '';
}

function describeRule(ruleset: Ruleset, table: Table, chain: Chain, rule: Rule): RuleDetail {
  return {
    at: `${table.name}/${chain.name}#${rule.number}`, family: ruleset.family, backend: ruleset.backend,
    owner: ownerOf(rule.chain, targetName(rule), commentOf(rule)), policy: undefined, ...counts(rule.counters), tests: describeTests(rule),
    target: `${targetName(rule)} ${targetOptions(rule)}`.trim(), calledBy: callersOf(table, chain.name), native: printRule(rule, { counters: false }), rules: [],
  };
}

function describeChain(ruleset: Ruleset, table: Table, chain: Chain): RuleDetail {
  return {
    at: `${table.name}/${chain.name}`, family: ruleset.family, backend: ruleset.backend, owner: ownerOf(chain.name, '', ''), policy: chain.policy,
    ...counts(chain.counters), tests: [], target: '', calledBy: callersOf(table, chain.name), native: undefined,
    rules: chainRows(ruleset, table, chain),
  };
}

const callersOf = (table: Table, name: string): string[] =>
  table.chains.flatMap((chain) => chain.rules.flatMap(({ target, number }) =>
    (target.kind === 'jump' || target.kind === 'goto') && target.chain === name ? [`${table.name}/${chain.name}#${number}`] : []));

const hasPlace = (rulesets: readonly Ruleset[], table: string, chain: string | undefined): boolean =>
  rulesets.some(({ tables }) => tables.some(({ name, chains }) => name === table && (chain === undefined || chains.some((candidate) => candidate.name === chain))));

function missing(place: string, rulesets: readonly Ruleset[]): NotFoundError {
  const tables = [...new Set(rulesets.flatMap((ruleset) => ruleset.tables.map(({ name }) => name)))];
  return new NotFoundError(`there is no ${place} here`, { causes: [tables.length === 0 ? 'no table holds rules' : `tables with rules: ${tables.join(', ')}`], hints: ['sluice iptables list'] });
}
