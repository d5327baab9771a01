/** What the migrate commands tell, as plain data. */

import type { CounterMode, HookName } from '../classifier/index.ts';
import { filterTable } from '../classifier/index.ts';
import type { Family } from '../netfilter/index.ts';
import { countResults } from './plan-file.ts';
import { describeRules, type FamilyPlan, type RuleResult } from './plan.ts';

export interface PlanReport {
  /** One line: backend, rules, chains. */
  source: string;
  out?: string;
  counters: CounterMode;
  results: Record<string, number>;
  hooks: { family: Family; hook: HookName; mode: string; rules: number; edges: number; verdictEdges: number }[];
  /** Every rule that is not simply exact. */
  notes: RuleResult[];
  /** `ipv4 INPUT: 5,000 rules are 15 intervals`. */
  collapses: string[];
  imageBytes: number;
  leaves: number;
  depth: number;
  warnings: string[];
}

export interface VerifyReport {
  plan: string;
  equal: boolean;
  seed: number;
  proofs: { family: Family; hook: HookName; equal: boolean; pairs: number }[];
  runs: { family: Family; how: string; packets: number; verdictsDiffer: number; countersDiffer: number; note?: string }[];
  counterExamples: { family: Family; hook: HookName; packet: string; expected: string; actual: string }[];
}

export interface MigrationApplied {
  change: string;
  snapshot: string;
  check: string;
  proof: string;
  summary: string;
  switchTime: string;
  revertsAt?: string;
}

/** One original rule, or policy where `number` is absent, with what it counted before and since the migration. */
export interface StatusRule {
  family: Family;
  chain: string;
  number?: number;
  packets: bigint;
  bytes: bigint;
  packetsSince: bigint;
  /** Who judges it now. */
  by: 'ebpf' | 'iptables' | '-';
  text: string;
}

export interface MigrationStatus {
  change: string;
  state: string;
  families: {
    family: Family;
    generation: number;
    hooks: string;
    imageBytes: number;
    memoryBytes: number;
    /** Mean of a short sample; absent when no packet came meanwhile. */
    nsPerPacket?: number;
  }[];
  rules: StatusRule[];
  /** What is no longer as the migration left it. */
  drift: string[];
}

export function reportPlan(families: readonly FamilyPlan[], options: { counters: CounterMode; out?: string; warnings: readonly string[] }): PlanReport {
  const rules = families.flatMap((plan) => describeRules(plan.ruleset, plan.handling, plan.hooks));
  const hooks = families.flatMap((plan) => plan.hooks.map(({ hook, mode, edges, verdictEdges }) => ({
    family: plan.family, hook, mode, rules: rulesOfHook(plan, hook), edges, verdictEdges,
  })));
  return {
    source: describeSource(families, rules.length),
    ...(options.out === undefined ? {} : { out: options.out }),
    counters: options.counters,
    results: countResults(rules),
    hooks,
    notes: rules.filter((rule) => rule.result !== 'exact' || rule.neverMatches),
    collapses: hooks.map((hook) => `${hook.family} ${hook.hook}: ${plural(hook.rules, 'rule')} ${hook.rules === 1 ? 'is' : 'are'} ${plural(hook.verdictEdges, 'interval')}`),
    imageBytes: sum(families.map(({ image }) => image.bytes.length)),
    leaves: sum(families.map(({ image }) => image.leaves.length - 1)),
    depth: Math.max(0, ...families.map(({ image }) => image.depth)),
    warnings: [...options.warnings],
  };
}

/** Rules that packets of a hook can meet: its chain and all that it calls. */
function rulesOfHook(plan: FamilyPlan, hook: HookName): number {
  const chains = new Map(filterTable(plan.ruleset)!.chains.map((chain) => [chain.name, chain]));
  const seen = new Set<string>();
  const waiting: string[] = [hook];
  let rules = 0;
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const chain = chains.get(name);
    if (chain === undefined || seen.has(name)) continue;
    seen.add(name);
    rules += chain.rules.length;
    for (const { target } of chain.rules) if (target.kind === 'jump' || target.kind === 'goto') waiting.push(target.chain);
  }
  return rules;
}

function describeSource(families: readonly FamilyPlan[], rules: number): string {
  const chains = sum(families.map(({ ruleset }) => filterTable(ruleset)!.chains.length));
  const backends = [...new Set(families.map(({ backend }) => `iptables-${backend}`))].join(', ');
  const each = families.map(({ family, handling }) => `${family} ${handling.length}`).join(', ');
  return `${backends}  ${plural(rules, 'rule')}  ${plural(chains, 'chain')}  (${each})`;
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);

const plural = (count: number, noun: string): string => `${count.toLocaleString('en-US')} ${noun}${count === 1 ? '' : 's'}`;
