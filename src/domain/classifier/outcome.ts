import type { Ruleset } from '../netfilter/index.ts';

/** The hooks whose filter chains can be migrated, with the number of `enum nf_inet_hooks`. */
export const HOOKS = { INPUT: 1, FORWARD: 2, OUTPUT: 3 } as const;
export type HookName = keyof typeof HOOKS;

/**
 * What happens to a packet, all told: one terminal of a diagram.
 *
 * A packet's walk through a base chain is: rules that matched are counted; native rules are run by the kernel, in
 * order, and one of them may end the walk; then the verdict. A native rule counts itself, so it is not in `counted`.
 * Rules are numbered by `ruleIds`.
 */
export interface Outcome {
  verdict: 'ACCEPT' | 'DROP';
  /** Rules that must be run natively, in order; empty for a pure verdict. */
  natives: readonly number[];
  /**
   * Counters that go up by one packet, in order of the walk; a rule reached twice stands twice. Empty in
   * verdict-only mode.
   */
  counted: readonly number[];
}

/**
 * Numbers every rule of the filter table, and after them the policies of INPUT, FORWARD and OUTPUT.
 *
 * Rule ids follow the order of chains and rules in the dump, from 0; the policy of hook h is `policyId(h)`.
 */
export interface RuleIds {
  /** `id(chain, number)`, number from 1 as in the model. */
  id(chain: string, number: number): number;
  policyId(hook: HookName): number;
  count: number;
}

/** @throws TypeError when the ruleset has no filter table; callers check first. */
export function numberRules(ruleset: Ruleset): RuleIds {
  const table = ruleset.tables.find((candidate) => candidate.name === 'filter');
  if (table === undefined) throw new TypeError('numberRules: no filter table');
  const first = new Map<string, number>();
  let next = 0;
  for (const chain of table.chains) {
    first.set(chain.name, next);
    next += chain.rules.length;
  }
  const hooks = Object.keys(HOOKS);
  return {
    id: (chain, number) => first.get(chain)! + number - 1,
    policyId: (hook) => next + hooks.indexOf(hook),
    count: next + hooks.length,
  };
}

/** How each rule of a plan is carried: see `classifyRules`. */
export type RuleHandling =
  /** Decided, and counted, in eBPF. */
  | { kind: 'exact' }
  /** Its target or one of its matches stays the kernel's own; the whole rule is run by dispatch. */
  | { kind: 'native'; reason: string }
  /** Lies in a chain that stays in iptables as it is. */
  | { kind: 'kept' }
  /** Not reachable from the hooks that are migrated. */
  | { kind: 'unreachable' }
  | { kind: 'unsupported'; reason: string };
