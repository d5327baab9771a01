/** The proof: the bytes in the kernel decide every packet as the rules do. */

import { DecodedImage, filterTable, FIELD_ORDERS, maskedVariables, orderVariables, type CounterMode, type HookName, type Outcome, type Variable } from '../classifier/index.ts';
import { buildReference, compareWithReference, flatten, type ReferenceNode } from '../classifier/reference/index.ts';
import { describeKey, describeOutcome } from './explain.ts';
import type { FamilyPlan } from './plan.ts';

export interface HookProof {
  hook: HookName;
  equal: boolean;
  /** Pairs of nodes that were compared. */
  pairs: number;
  counterExample?: { packet: string; expected: string; actual: string; key: number[]; expectedOutcome: Outcome };
}

/**
 * Compares the image in `bytes` with a reference built from the rules by independent code, hook by hook.
 *
 * @throws OperationError SL3103 when the bytes are no image; SL3102 when the chains cannot be written out.
 */
export function proveGeneration(plan: FamilyPlan, counters: CounterMode, bytes: Buffer): HookProof[] {
  const image = new DecodedImage(bytes, plan.image.leaves);
  const variables = variablesOf(plan);
  const ranks = new Map(variables.map(({ field, mask }, i) => [field * 2 ** 32 + mask, i]));
  return plan.hooks.map(({ hook }) => {
    const reference = referenceOf(plan, hook, counters);
    const result = compareWithReference(image, hook, reference, (field, mask) => ranks.get(field * 2 ** 32 + mask) ?? -1);
    if (result.equal) return { hook, equal: true, pairs: result.pairs };
    return {
      hook, equal: false, pairs: result.pairs,
      counterExample: {
        packet: describeKey(plan.family, result.key), key: result.key, expectedOutcome: result.expected,
        expected: describeOutcome(plan, result.expected), actual: describeOutcome(plan, result.actual),
      },
    };
  });
}

/** The reference diagram of a hook, built from the rules alone. */
export function referenceOf(plan: FamilyPlan, hook: HookName, counters: CounterMode): ReferenceNode {
  return buildReference(flatten(plan.ruleset, hook, { handling: plan.handling, exactCounters: counters === 'exact' }), variablesOf(plan), hook);
}

function variablesOf({ ruleset, family, order }: FamilyPlan): Variable[] {
  const rules = filterTable(ruleset)!.chains.flatMap((chain) => chain.rules);
  return orderVariables(FIELD_ORDERS[order]!, maskedVariables(rules, family));
}
