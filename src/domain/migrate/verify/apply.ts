import { loadGeneration } from '../engine/apply.ts';
import { proveGeneration } from '../prove.ts';
import { readPlanFile } from '../read-plan.ts';
import type { VerifyReport } from '../report.ts';
import type { CounterExample } from './tally.ts';
import { runLive } from './live/apply.ts';
import { runTests } from './test-run/apply.ts';

export interface VerifyRequest {
  plan: string;
  /** Packets for each hook and way of running. */
  packets: number;
  seed: number;
  progress: (what: string) => void;
}

/**
 * Proves a plan and runs packets through it, without touching the node: what is loaded is attached only in namespaces that
 * are made for the purpose.
 */
export async function verifyPlan({ plan: path, packets, seed, progress }: VerifyRequest): Promise<VerifyReport> {
  const { file, families } = readPlanFile(path);
  const report: VerifyReport = { plan: path, equal: true, seed, proofs: [], runs: [], counterExamples: [] };
  const random = mulberry32(seed);
  for (const plan of families) {
    progress(`proving the ${plan.family} image`);
    const generation = loadGeneration(plan.family, plan.image);
    try {
      for (const { hook, equal, pairs, counterExample } of proveGeneration(plan, file.counters, generation.readBack)) {
        report.proofs.push({ family: plan.family, hook, equal, pairs });
        if (counterExample !== undefined) report.counterExamples.push({ family: plan.family, hook, ...words(counterExample) });
      }
    } finally {
      generation.close();
    }
    progress(`running ${plan.family} packets through the engine`);
    addRun(report, runTests(plan, file.counters, packets, random));
    progress(`running ${plan.family} packets through iptables-${plan.backend} and the engine`);
    addRun(report, await runLive(plan, file.counters, packets, random));
  }
  const agrees = report.proofs.every(({ equal }) => equal) && report.runs.every(({ verdictsDiffer, countersDiffer }) => verdictsDiffer + countersDiffer === 0);
  return { ...report, equal: agrees };
}

const words = ({ packet, expected, actual }: { packet: string; expected: string; actual: string }): { packet: string; expected: string; actual: string } => ({ packet, expected, actual });

function addRun(report: VerifyReport, { run, examples }: { run: VerifyReport['runs'][number]; examples: CounterExample[] }): void {
  report.runs.push(run);
  report.counterExamples.push(...examples);
}

/** A small seeded generator, so that a run can be repeated. */
function mulberry32(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}
