import type { Outcome } from '../../classifier/index.ts';
import { Field, L4, opaqueParts } from '../../classifier/index.ts';
import { nativeRules } from '../dispatch.ts';
import type { FamilyPlan } from '../plan.ts';
import type { Key } from './craft.ts';

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

/**
 * Whether only the kernel can tell what becomes of a packet: it met a rule of `uncertain`, or one that the kernel runs while
 * its header is cut off, so that a match of that rule may drop it on the spot (x_tables' hotdrop).
 */
export const isUncertain = ({ natives }: Outcome, key: Key, uncertain: ReadonlySet<number>): boolean =>
  natives.length > 0 && (key[Field.L4] !== L4.COMPLETE || natives.some((id) => uncertain.has(id)));
