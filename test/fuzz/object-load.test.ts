/**
 * Loads of compiled objects that were damaged where it hurts: headers, symbols, relocations, types. They succeed or are
 * refused, and leave no descriptor. The seed is printed; `SLUICE_FUZZ_SEED=N` runs the same again.
 */

import { readdirSync } from 'node:fs';
import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { SluiceError } from '../../src/lib/errors.ts';
import { loadObject } from '../../src/kernel/bpf/index.ts';
import { readElf } from '../../src/kernel/elf/index.ts';
import { Fixtures } from '../support/compile-bpf.ts';
import { requireRoot } from '../support/require.ts';
import { seeded } from '../unit/classifier/rules.ts';

const SEED = Number(process.env['SLUICE_FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
process.stderr.write(`fuzz seed: SLUICE_FUZZ_SEED=${SEED}\n`);

const OBJECTS = ['maps', 'core', 'map-types', 'tail-calls', 'struct-ops-link', 'options', 'functions'];
const NUMBERS = [0, 1, 0x7f, 0xff, 0x7fff_ffff, 0xffff_ffff];

let fixtures: Fixtures;
let objects: { bytes: Buffer; parts: { from: number; length: number }[] }[];

beforeAll(async () => {
  requireRoot();
  fixtures = new Fixtures();
  objects = await Promise.all(OBJECTS.map(async (name) => {
    const bytes = await fixtures.read(name);
    return { bytes, parts: sensitiveParts(bytes) };
  }));
});

afterAll(() => fixtures.remove());

function sensitiveParts(bytes: Buffer): { from: number; length: number }[] {
  const headers = Number(bytes.readBigUInt64LE(40));
  const sections = readElf(bytes, 'whole').sections.filter(({ name, data }) => /^\.(symtab|strtab|BTF|rel|maps)/.test(name) && data.length > 0);
  return [
    { from: 0, length: 64 }, { from: headers, length: bytes.length - headers },
    ...sections.map(({ data }) => ({ from: data.byteOffset - bytes.byteOffset, length: data.length })),
  ];
}

function damaged(random: (below: number) => number): Buffer {
  const { bytes, parts } = objects[random(objects.length)]!;
  const copy = Buffer.from(bytes);
  for (let wounds = 1 + random(4); wounds > 0; wounds--) {
    const { from, length } = parts[random(parts.length)]!;
    const at = Math.min(copy.length - 4, from + random(length));
    if (random(2) === 0) copy[at] = copy[at]! ^ (1 << random(8));
    else copy.writeUInt32LE(random(3) === 0 ? random(0xffff_ffff) : NUMBERS[random(NUMBERS.length)]!, at & ~3);
  }
  return random(20) === 0 ? copy.subarray(0, random(copy.length)) : copy;
}

function isLoaded(bytes: Buffer, round: number): boolean {
  try {
    loadObject(bytes, 'damaged.o', { allMaps: true }).close();
    return true;
  } catch (error) {
    if (!(error instanceof SluiceError)) throw new Error(`seed ${SEED} round ${round}`, { cause: error });
    return false;
  }
}

test('damaged objects are loaded or refused, and every descriptor is closed', () => {
  // Files that the first load opens for good, such as the FFI library.
  loadObject(objects[0]!.bytes, 'whole.o').close();
  const before = readdirSync('/proc/self/fd').length;
  const random = seeded(SEED);
  const outcomes = new Set<boolean>();
  const deadline = performance.now() + 3000;
  for (let round = 0; round < 50 || performance.now() < deadline; round++) outcomes.add(isLoaded(damaged(random), round));
  expect(outcomes.size).toBe(2);
  expect(readdirSync('/proc/self/fd')).toHaveLength(before);
});
