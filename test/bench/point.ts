/**
 * One ruleset in a process of its own, so that its peak memory is its own: compiled, loaded, proven, and walked by the
 * engine with rotating keys. `node point.ts SHAPE RULES exact|verdict` prints the figures as JSON, or null where the
 * diagram outgrows its budget.
 */

import { HOOKS, IMAGE_SLACK, type CounterMode } from '../../src/domain/classifier/index.ts';
import { loadGeneration, type Generation } from '../../src/domain/migrate/engine/apply.ts';
import { planFamily, type FamilyPlan } from '../../src/domain/migrate/plan.ts';
import { proveGeneration } from '../../src/domain/migrate/prove.ts';
import { parseSave } from '../../src/domain/netfilter/index.ts';
import { indexKey, loadObject, readBuiltin } from '../../src/kernel/bpf/index.ts';
import { SluiceError } from '../../src/lib/errors.ts';
import { benchKeys, benchRuleset, iptablesText, type BenchRuleset, type Shape } from './rulesets.ts';

/** Figures of one ruleset. */
export interface Point {
  shape: Shape;
  rules: number;
  /** `verdict` where the exact diagram outgrows its budget, as the plan then offers. */
  counters: CounterMode;
  parseMs: number;
  compileMs: number;
  loadMs: number;
  proveMs: number;
  imageKiB: number;
  peakMiB: number;
  /** The walk alone, nanoseconds a packet: the best run and the worst. */
  walkNs: [best: number, worst: number];
}

const KEYS = 16_384;
const REPEAT = 1_000_000;
const RUNS = 5;

function measure(shape: Shape, rules: number, counters: CounterMode): Point {
  const ruleset = benchRuleset(shape, rules);
  const text = iptablesText(ruleset);
  const [parsed, parseMs] = timed(() => parseSave(text, { source: 'bench', family: 'ipv4', backend: 'legacy' }));
  const [plan, compileMs] = timed(() => planFamily(parsed, { counters, keep: [] }));
  const [generation, loadMs] = timed(() => loadGeneration('ipv4', plan.image));
  try {
    const [proofs, proveMs] = timed(() => proveGeneration(plan, counters, generation.readBack));
    if (!proofs.every(({ equal }) => equal)) throw new Error(`${shape} ${rules}: the image is not equal to the rules`);
    const peakMiB = process.resourceUsage().maxRSS / 1024;
    return { shape, rules, counters, parseMs, compileMs, loadMs, proveMs, imageKiB: plan.image.bytes.length / 1024, peakMiB, walkNs: measureWalk(ruleset, plan, generation) };
  } finally {
    generation.close();
  }
}

function timed<T>(work: () => T): [T, number] {
  const start = performance.now();
  const result = work();
  return [result, performance.now() - start];
}

/** What a walk adds to choosing the key. */
function measureWalk(ruleset: BenchRuleset, plan: FamilyPlan, generation: Generation): [number, number] {
  const keys = benchKeys(ruleset, KEYS);
  using object = loadObject(readBuiltin('bench'), 'bench.bpf.o', {
    programs: ['bench_base', 'bench_walk'], maps: { image: generation.image },
    sizes: { keys: { maxEntries: KEYS }, image: { valueSize: plan.image.bytes.length + IMAGE_SLACK } },
    constants: { image_mask: plan.image.bytes.length - 4, key_count: KEYS, bench_hook: HOOKS.INPUT },
  });
  for (let i = 0; i < KEYS; i++) object.map('keys').update(indexKey(i), keys.bytes.subarray(i * 128, (i + 1) * 128));
  const run = (name: string): number => object.program(name).testRun({ data: Buffer.alloc(64), repeat: REPEAT }).durationNs;
  const runs = Array.from({ length: RUNS }, () => ({ base: run('bench_base'), walk: run('bench_walk') }));
  const base = Math.min(...runs.map((each) => each.base));
  return [Math.min(...runs.map(({ walk }) => walk)) - base, Math.max(...runs.map(({ walk }) => walk)) - base];
}

const [shape, rules, counters] = process.argv.slice(2);
try {
  process.stdout.write(JSON.stringify(measure(shape as Shape, Number(rules), counters as CounterMode)));
} catch (error) {
  if (!(error instanceof SluiceError) || error.code !== 'SL3002') throw error;
  process.stdout.write('null');
}
