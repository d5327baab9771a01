import { describe, expect, it } from 'vitest';
import { HOOKS } from '../../../src/domain/classifier/index.ts';
import { planFamily, type FamilyPlan } from '../../../src/domain/migrate/plan.ts';
import { proveGeneration } from '../../../src/domain/migrate/prove.ts';
import { runLive } from '../../../src/domain/migrate/verify/live/apply.ts';
import { runTests } from '../../../src/domain/migrate/verify/test-run/apply.ts';
import { parseSave, type Backend, type Family } from '../../../src/domain/netfilter/index.ts';
import { SluiceError } from '../../../src/lib/errors.ts';
import { requireKernel, requireRoot, requireTool } from '../../support/require.ts';
import { generateRuleset } from '../../support/ruleset-generator.ts';
import { seeded } from '../../unit/classifier/rules.ts';

requireRoot();
requireKernel('6.4', 'netfilter links');
requireTool('iptables-legacy-restore');
requireTool('iptables-nft-restore');

const PACKETS = 400;

const planOf = (text: string, family: Family = 'ipv4', backend: Backend = 'legacy'): FamilyPlan =>
  planFamily(parseSave(text, { source: 'test', family, backend }), { counters: 'exact', keep: [] });

function randomOf(seed: number): () => number {
  const random = seeded(seed);
  return () => random(2 ** 20) / 2 ** 20;
}

describe.each(['legacy', 'nft'] as const)('verify against iptables-%s', (backend) => {
  it.each([
    ['ipv4', 2], ['ipv4', 5], ['ipv6', 2], ['ipv6', 5],
  ] as const)('finds no difference in random %s rules (seed %i)', async (family, seed) => {
    const plan = planOf(generateRuleset({ seed, rules: 60, family, backend, natives: true }), family, backend);
    expect(proveGeneration(plan, 'exact', plan.image.bytes)).toSatisfy((proofs: { equal: boolean }[]) => proofs.every(({ equal }) => equal));
    expect(runTests(plan, 'exact', PACKETS, randomOf(seed)).run).toMatchObject({ verdictsDiffer: 0, countersDiffer: 0 });
    const { run, examples } = await runLive(plan, 'exact', PACKETS, randomOf(seed));
    expect(examples).toEqual([]);
    expect(run).toMatchObject({ verdictsDiffer: 0, countersDiffer: 0 });
    expect(run.packets).toBeGreaterThan(50);
  });
});

describe('an image that is not that of the rules', () => {
  const rules = (port: number): string =>
    `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n-A INPUT -s 10.0.0.0/8 -p tcp -m tcp --dport ${port} -j DROP\n-A INPUT -p udp -j ACCEPT\nCOMMIT\n`;
  const asked = planOf(rules(80));
  const wrong: FamilyPlan = { ...asked, image: planOf(rules(81)).image };

  it('is refuted by the proof, with a packet that tells them apart', () => {
    const proof = proveGeneration(asked, 'exact', wrong.image.bytes).find(({ hook }) => hook === 'INPUT')!;
    expect(proof.equal).toBe(false);
    expect(proof.counterExample!.packet).toMatch(/tcp.*8[01]/);
    expect([proof.counterExample!.expected, proof.counterExample!.actual]).toEqual(expect.arrayContaining([expect.stringMatching(/^DROP by INPUT#1/), expect.stringMatching(/^ACCEPT by policy/)]));
  });

  it('is seen by the test run', () => {
    const { run, examples } = runTests(wrong, 'exact', PACKETS, randomOf(1));
    expect(run.verdictsDiffer).toBeGreaterThan(0);
    expect(run.countersDiffer).toBeGreaterThan(0);
    expect(examples[0]!.packet).toMatch(/tcp.*8[01]/);
  });

  it.each(['legacy', 'nft'] as const)('is seen live beside iptables-%s', async (backend) => {
    const { run, examples } = await runLive({ ...planOf(rules(80), 'ipv4', backend), image: planOf(rules(81), 'ipv4', backend).image }, 'exact', PACKETS, randomOf(1));
    expect(run.verdictsDiffer).toBeGreaterThan(0);
    expect(run.countersDiffer).toBeGreaterThan(0);
    expect(examples[0]!.packet).toMatch(/tcp.*8[01]/);
  });

  it('is refuted also when a single bit of where the engine starts has changed', () => {
    // Header of 8 words, then the start of every hook's diagram (bpf/include/engine.h).
    const start = (8 + HOOKS.INPUT) * 4;
    for (let bit = 0; bit < 32; bit++) {
      const bytes = Buffer.from(asked.image.bytes);
      bytes.writeUInt32LE((bytes.readUInt32LE(start) ^ (1 << bit)) >>> 0, start);
      expect(refutes(bytes), `bit ${bit}`).toBe(true);
    }
  });

  function refutes(bytes: Buffer): boolean {
    try {
      return proveGeneration(asked, 'exact', bytes).some(({ equal }) => !equal);
    } catch (error) {
      if (!(error instanceof SluiceError) || error.code !== 'SL3103') throw error;
      return true;
    }
  }
});
