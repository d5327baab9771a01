import { describe, expect, it } from 'vitest';
import {
  classifyRules, compileRuleset, DecodedImage, encodeImage, Field, FIELD_COUNT, FIELD_ORDERS, outcomeOf, summarize, type Compiled, type Outcome,
} from '../../../src/domain/classifier/index.ts';
import type { Ruleset } from '../../../src/domain/netfilter/index.ts';
import { accept, drop, filterRuleset, jump, protocol, seeded, source, tcpPort, type RuleSketch } from './rules.ts';

const none: ReadonlySet<string> = new Set();

const compile = (ruleset: Ruleset, order?: string): Compiled =>
  compileRuleset(ruleset, { handling: classifyRules(ruleset, none), keptChains: none, counters: 'exact', ...(order === undefined ? {} : { order }) });

/** Follows the diagram in the compiler's own store. */
function follow({ store, roots }: Compiled, key: readonly number[]): Outcome {
  let ref = roots.INPUT!;
  while (ref >= 0) {
    const { field, mask } = store.variables[store.level[ref]!]!;
    ref = store.childAt(ref, (key[field]! & mask) >>> 0);
  }
  return outcomeOf(store.terminalOf(ref));
}

/** Follows the bytes as the decoder sees them. */
function followImage(image: DecodedImage, key: readonly number[]): Outcome {
  let ref = image.root('INPUT');
  while (!image.isLeaf(ref)) {
    const { variable, bounds, refs } = image.node(ref);
    const value = (key[variable.field]! & variable.mask) >>> 0;
    ref = refs[bounds.findIndex((bound) => value <= bound)]!;
  }
  return image.outcome(ref);
}

function randomRules(seed: number, count: number): RuleSketch[] {
  const random = seeded(seed);
  return Array.from({ length: count }, (): RuleSketch => ({
    source: source(random(4) === 0 ? random(2 ** 32) : 0x0a00_0000 + random(2 ** 16), 16 + random(17)),
    ...(random(2) === 0 ? { protocol: protocol(6), matches: [tcpPort(random(200))] } : {}),
    target: random(2) === 0 ? accept : drop,
  }));
}

function randomKey(random: (below: number) => number): number[] {
  const key = new Array<number>(FIELD_COUNT).fill(0);
  key[Field.PROTO] = random(3) === 0 ? 17 : 6;
  key[Field.L4] = random(8) === 0 ? random(5) : 0;
  key[Field.DPORT] = random(210);
  key[Field.SRC] = random(8) === 0 ? random(2 ** 32) : 0x0a00_0000 + random(2 ** 16);
  return key;
}

describe('image', () => {
  it.each(Object.keys(FIELD_ORDERS))('encodes and decodes to the same function, order %s', (order) => {
    const ruleset = filterRuleset({ INPUT: randomRules(7, 400) });
    const compiled = compile(ruleset, order);
    const { bytes, leaves } = encodeImage(compiled);
    const decoded = new DecodedImage(bytes, leaves);
    const random = seeded(11);
    for (let i = 0; i < 4000; i++) {
      const key = randomKey(random);
      expect(followImage(decoded, key)).toEqual(follow(compiled, key));
    }
  });

  it('splits edges that lie too unevenly for a table', () => {
    // Two dense clusters far apart: one bucket would hold nearly all.
    const rules = Array.from({ length: 400 }, (_, i): RuleSketch => ({ source: source(i < 380 ? 0x0a00_0000 + i * 2 : 0xc600_0000 + i * 65_536), target: i % 2 === 0 ? drop : accept }));
    const compiled = compile(filterRuleset({ INPUT: rules }));
    const { bytes, leaves } = encodeImage(compiled);
    const decoded = new DecodedImage(bytes, leaves);
    for (const address of rules.flatMap(({ source: from }) => from!.value.flatMap(({ address: [word] }) => [word!, word! + 1]))) {
      const key = new Array<number>(FIELD_COUNT).fill(0);
      key[Field.SRC] = address;
      expect(followImage(decoded, key)).toEqual(follow(compiled, key));
    }
  });

  it('gives equal digests for equal rulesets and others for others', () => {
    const rules = randomRules(3, 50);
    const digest = (sketches: RuleSketch[]): string => encodeImage(compile(filterRuleset({ INPUT: sketches }), 'port-dst-src')).digest;
    expect(digest(rules)).toBe(digest(rules));
    expect(digest(rules)).not.toBe(digest([{ ...rules[0]!, source: source(1, 32) }, ...rules.slice(1)]));
  });

  it('refuses bytes that were damaged', () => {
    const { bytes, leaves } = encodeImage(compile(filterRuleset({ INPUT: randomRules(3, 50) })));
    const magic = Buffer.from(bytes);
    magic[0] = magic[0]! ^ 1;
    expect(() => new DecodedImage(magic, leaves)).toThrow(/damaged/);
    const root = Buffer.from(bytes);
    root.writeUInt32LE(0x00ff_fff0, (8 + 1) * 4);
    const decoded = new DecodedImage(root, leaves);
    expect(() => decoded.node(decoded.root('INPUT'))).toThrow(/reference/);
  });

  it('puts a leaf of its own behind a native rule', () => {
    const log = { kind: 'native', name: 'LOG', text: '-j LOG', terminating: false } as const;
    const compiled = compile(filterRuleset({ INPUT: [{ source: source(5), target: log }, { target: drop }] }));
    const { actions } = encodeImage(compiled);
    expect(actions).toEqual([{ natives: [], verdict: 'DROP' }, { natives: [0], verdict: 'DROP' }]);
    expect(summarize(compiled)[0]).toMatchObject({ hook: 'INPUT', hasNatives: true });
  });
});

describe('summary', () => {
  it('collapses neighbouring rules and finds those that never match', () => {
    const rules: RuleSketch[] = Array.from({ length: 5000 }, (_, i) => ({ source: source(0x0a00_0000 + i), target: drop }));
    const ruleset = filterRuleset({ INPUT: [...rules, { source: source(0x0a00_0007), target: accept }] });
    const [hook] = summarize(compile(ruleset));
    expect(hook!.verdictEdges).toBe(3);
    expect(hook!.reachable.has(0)).toBe(true);
    expect(hook!.reachable.has(5000)).toBe(false);
  });

  it('counts a rule twice that a packet meets twice', () => {
    const ruleset = filterRuleset({ INPUT: [{ target: jump('A') }, { target: jump('A') }], A: [{ target: { kind: 'none' } }] });
    const compiled = compile(ruleset);
    expect(follow(compiled, new Array<number>(FIELD_COUNT).fill(0)).counted).toEqual([0, 2, 1, 2, 3]);
  });

  it('refuses chains that call each other in a circle', () => {
    const ruleset = filterRuleset({ INPUT: [{ target: jump('A') }], A: [{ target: jump('B') }], B: [{ target: jump('A') }] });
    expect(() => compile(ruleset)).toThrow(/calls itself/);
  });

  it('refuses a ladder of ten thousand chains at once, and takes one of two hundred', () => {
    const ladder = (steps: number): Ruleset => {
      const chains: Record<string, RuleSketch[]> = { INPUT: [{ target: jump('C1') }] };
      for (let i = 1; i < steps; i++) chains[`C${i}`] = [{ target: jump(`C${i + 1}`) }];
      return filterRuleset({ ...chains, [`C${steps}`]: [{ source: source(9), target: drop }] });
    };
    expect(() => compile(ladder(10_000))).toThrow(/deep/);
    expect(() => compile(ladder(200))).not.toThrow();
  });
});
