/** What a migration would do, worked out without touching anything. */

import { OperationError, SluiceError } from '../../lib/errors.ts';
import {
  BudgetExceeded, classifyRules, compileRuleset, encodeImage, filterTable, numberRules, summarize,
  type Compiled, type CounterMode, type HookName, type HookSummary, type Image, type RuleHandling, type RuleIds,
} from '../classifier/index.ts';
import type { Backend, Family, Rule, Ruleset } from '../netfilter/index.ts';

export interface PlanOptions {
  counters: CounterMode;
  /** Chains that stay in iptables as they are. */
  keep: readonly string[];
}

/** Everything known about the migration of one family's filter table. */
export interface FamilyPlan {
  family: Family;
  backend: Backend;
  ruleset: Ruleset;
  handling: readonly RuleHandling[];
  hooks: readonly HookPlan[];
  /** Name of the field order in which the diagram tests. */
  order: string;
  ruleIds: RuleIds;
  image: Image;
}

export interface HookPlan extends HookSummary {
  /** `link`: judged by a netfilter link. `dispatch`: by the engine inside the chain, which then runs native rules. */
  mode: 'link' | 'dispatch';
}

/** One rule and what becomes of it, in the words of the report. */
export interface RuleResult {
  family: Family;
  chain: string;
  number: number;
  line: number;
  text: string;
  result: 'exact' | 'native' | 'kept' | 'unreachable' | 'unsupported';
  reason?: string;
  /** True where an earlier rule always decides first. */
  neverMatches: boolean;
}

/** Rules that cannot be migrated, all at once. */
export class UnsupportedRules extends SluiceError {
  readonly rules: readonly RuleResult[];

  constructor(rules: readonly RuleResult[]) {
    const chains = [...new Set(rules.map((rule) => rule.chain))];
    super(`${rules.length} ${rules.length === 1 ? 'rule' : 'rules'} cannot be migrated`, {
      code: 'SL3001',
      reason: 'unsupported',
      causes: rules.slice(0, 20).map((rule) => `${rule.family} ${rule.chain}#${rule.number} ${rule.text}: ${rule.reason}`),
      hints: [`leave their chains in iptables: --keep-in-iptables ${chains.join(',')}`],
      details: { rules },
    });
    this.rules = rules;
  }
}

/**
 * Plans the migration of one filter table.
 *
 * @throws UnsupportedRules when a rule can neither be compiled nor dispatched and its chain is not kept.
 * @throws OperationError SL3002 when the diagram outgrows its budget; SL3003 when a kept chain does not exist.
 */
export function planFamily(ruleset: Ruleset, options: PlanOptions): FamilyPlan {
  const keptChains = new Set(options.keep);
  const handling = classifyRules(ruleset, keptChains);
  const unsupported = describeRules(ruleset, handling).filter((rule) => rule.result === 'unsupported');
  if (unsupported.length > 0) throw new UnsupportedRules(unsupported);
  const compiled = compileWithinBudget(ruleset, handling, keptChains, options.counters);
  const hooks = summarize(compiled).map((summary): HookPlan => ({ ...summary, mode: summary.hasNatives ? 'dispatch' : 'link' }));
  // All but the image is far larger than what is still needed.
  using _store = compiled.store;
  const { order, ruleIds } = compiled;
  return { family: ruleset.family, backend: ruleset.backend, ruleset, handling, hooks, order, ruleIds, image: encodeImage(compiled) };
}

/** Every rule of the table with what becomes of it; `hooks` tells which are ever reached. */
export function describeRules(ruleset: Ruleset, handling: readonly RuleHandling[], hooks?: readonly HookPlan[]): RuleResult[] {
  const ids = numberRules(ruleset);
  const table = filterTable(ruleset);
  return (table?.chains ?? []).flatMap((chain) => chain.rules.map((rule): RuleResult => {
    const id = ids.id(chain.name, rule.number);
    const { kind, ...rest } = handling[id]!;
    const judged = kind === 'exact' || kind === 'native';
    return {
      family: ruleset.family, chain: chain.name, number: rule.number, line: rule.line, text: ruleText(rule), result: kind,
      ...('reason' in rest ? { reason: rest.reason as string } : {}),
      neverMatches: hooks !== undefined && judged && !hooks.some((hook) => hook.reachable.has(id)),
    };
  }));
}

/** The rule as it stood, without `-A CHAIN`. */
export function ruleText(rule: Rule): string {
  return rule.options
    .map(({ negated, name, values }) => [negated ? '! ' : '', name, ...values.map(({ raw }) => ` ${raw}`)].join(''))
    .join(' ');
}

/** Whether there is anything to migrate: a rule, or a policy other than ACCEPT. */
export function hasRules(ruleset: Ruleset): boolean {
  return (filterTable(ruleset)?.chains ?? []).some((chain) => chain.rules.length > 0 || chain.policy === 'DROP');
}

/** The hooks of a family that the plan judges by one mode. */
export const hooksOf = (plan: FamilyPlan, mode: HookPlan['mode']): HookName[] =>
  plan.hooks.filter((hook) => hook.mode === mode).map(({ hook }) => hook);

function compileWithinBudget(
  ruleset: Ruleset, handling: readonly RuleHandling[], keptChains: ReadonlySet<string>, counters: CounterMode,
): Compiled {
  checkKeptChains(ruleset, keptChains);
  try {
    return compileRuleset(ruleset, { handling, keptChains, counters });
  } catch (error) {
    if (!(error instanceof BudgetExceeded)) throw error;
    throw new OperationError(`the ${ruleset.family} rules overlap so much that their diagram needs more than ${error.edges} edges`, {
      code: 'SL3002',
      hints: counters === 'exact'
        ? ['count verdicts only, which needs a far smaller diagram: --counters verdict']
        : ['leave the chain with the most overlapping rules in iptables: --keep-in-iptables CHAIN'],
    });
  }
}

function checkKeptChains(ruleset: Ruleset, keptChains: ReadonlySet<string>): void {
  const names = new Set(filterTable(ruleset)?.chains.map((chain) => chain.name));
  const missing = [...keptChains].filter((name) => !names.has(name));
  if (missing.length > 0)
    throw new OperationError(`no chain ${missing.join(', ')} in the ${ruleset.family} filter table`, { code: 'SL3003', reason: 'not-found' });
}
