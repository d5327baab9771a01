/** The engine under BPF_PROG_TEST_RUN: packets of every region, their environment set, against the reference. */

import { indexKey, type LoadedObject } from '../../../../kernel/bpf/index.ts';
import { DecodedImage, Field, HOOKS, type CounterMode, type HookName, type Outcome } from '../../../classifier/index.ts';
import { evaluateReference } from '../../../classifier/reference/index.ts';
import { sumLeafCounters } from '../../counters.ts';
import { loadGeneration } from '../../engine/apply.ts';
import { describeKey, describeOutcome } from '../../explain.ts';
import type { FamilyPlan } from '../../plan.ts';
import { referenceOf } from '../../prove.ts';
import type { VerifyReport } from '../../report.ts';
import { craftPacket, readableKey, type Key } from '../craft.ts';
import { boundaryKeys } from '../regions.ts';
import { MOST_EXAMPLES, tally, type CounterExample } from '../tally.ts';

const NF_ACCEPT = 1;
const ETHERNET = { ipv4: 0x0800, ipv6: 0x86dd };

/** Runs up to `limit` packets of each hook; the engine is loaded for the occasion and attached nowhere. */
export function runTests(plan: FamilyPlan, counters: CounterMode, limit: number, random: () => number): { run: VerifyReport['runs'][number]; examples: CounterExample[] } {
  const generation = loadGeneration(plan.family, plan.image, { testing: true });
  try {
    const image = new DecodedImage(plan.image.bytes, plan.image.leaves);
    const met = new Map<Outcome, number>();
    const examples: CounterExample[] = [];
    let packets = 0;
    let verdictsDiffer = 0;
    for (const { hook } of plan.hooks) {
      const reference = referenceOf(plan, hook, counters);
      for (const wanted of boundaryKeys(image, hook, limit, random)) {
        const key = environmentOf(hook, readableKey(plan.family, wanted));
        const packet = craftPacket(plan.family, key);
        if (packet === undefined) continue;
        const expected = evaluateReference(reference, key);
        const accepted = runOnce(generation.object, plan, hook, key, packet);
        met.set(expected, (met.get(expected) ?? 0) + 1);
        packets++;
        if (expected.natives.length > 0 || accepted === (expected.verdict === 'ACCEPT')) continue;
        verdictsDiffer++;
        if (examples.length < MOST_EXAMPLES)
          examples.push({ family: plan.family, hook, packet: describeKey(plan.family, key), expected: describeOutcome(plan, expected), actual: accepted ? 'ACCEPT' : 'DROP' });
      }
    }
    const countersDiffer = compareCounters(generation.counters.readValues(), plan, met);
    return { run: { family: plan.family, how: 'BPF_PROG_TEST_RUN against the rules', packets, verdictsDiffer, countersDiffer }, examples };
  } finally {
    generation.close();
  }
}

/** A hook without an interface has an empty name there. */
function environmentOf(hook: HookName, key: number[]): number[] {
  const absent = hook === 'INPUT' ? Field.OIF : hook === 'OUTPUT' ? Field.IIF : undefined;
  if (absent !== undefined) key.fill(0, absent, absent + 4);
  return key;
}

function runOnce(object: LoadedObject, { family }: FamilyPlan, hook: HookName, key: Key, packet: Buffer): boolean {
  const environment = Buffer.alloc(44);
  environment.writeUInt32LE(HOOKS[hook], 0);
  environment.writeUInt32LE(key[Field.STATE]!, 4);
  environment.writeUInt32LE(key[Field.MARK]!, 8);
  for (let word = 0; word < 4; word++) {
    environment.writeUInt32LE(key[Field.IIF + word]!, 12 + word * 4);
    environment.writeUInt32LE(key[Field.OIF + word]!, 28 + word * 4);
  }
  object.map('test_environment').update(indexKey(0), environment);
  const ethernet = Buffer.alloc(14);
  ethernet.writeUInt16BE(ETHERNET[family], 12);
  return object.program('decide').testRun({ data: Buffer.concat([ethernet, packet]) }).result === NF_ACCEPT;
}

/** Rules whose packets, summed over the leaves that the engine counted, are not those of the reference. */
function compareCounters(values: Buffer, plan: FamilyPlan, met: ReadonlyMap<Outcome, number>): number {
  const leaves = sumLeafCounters(values, plan.image.leaves.length).map(({ packets }, leaf) => [plan.image.leaves[leaf]!, Number(packets)] as const);
  const counted = tally(leaves, plan.ruleIds.count);
  const expected = tally(met, plan.ruleIds.count);
  return counted.filter((packets, id) => packets !== expected[id]).length;
}
