import type { Outcome } from '../../classifier/index.ts';
import { opaqueParts } from '../../classifier/index.ts';
import { nativeRules } from '../dispatch.ts';
import type { FamilyPlan } from '../plan.ts';

/** A disagreement, with the packet in words. */
export interface CounterExample {
  family: FamilyPlan['family'];
  hook: FamilyPlan['hooks'][number]['hook'];
  packet: string;
  expected: string;
  actual: string;
}

/** Counter-examples that are told; more say nothing new. */
export const MOST_EXAMPLES = 8;

/** Packets by rule id that a list of outcomes adds up to, native rules included. */
export function tally(outcomes: Iterable<readonly [Outcome, number]>, rules: number): number[] {
  const totals = new Array<number>(rules).fill(0);
  for (const [{ counted, natives }, packets] of outcomes) for (const id of [...counted, ...natives]) totals[id]! += packets;
  return totals;
}

/** Rules of which only the kernel knows whether they match: what happens behind them cannot be foretold. */
export function uncertainRules(plan: FamilyPlan): Set<number> {
  return new Set([...nativeRules(plan)].filter(([, rule]) => opaqueParts(rule).length > 0 || rule.target.kind === 'jump' || rule.target.kind === 'goto').map(([id]) => id));
}

export const isUncertain = ({ natives }: Outcome, uncertain: ReadonlySet<number>): boolean => natives.some((id) => uncertain.has(id));
