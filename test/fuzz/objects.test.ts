/**
 * The readers of ELF and BTF against damage: whatever the bytes are, they are read or refused with an error that names the
 * file, in little memory. The seed is printed; `SLUICE_FUZZ_SEED=N` runs the same again.
 */

import { performance } from 'node:perf_hooks';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { checkObject } from '../../src/kernel/bpf/index.ts';
import { Btf, describeType, dumpC, formatType, Kind, Signatures } from '../../src/kernel/btf/index.ts';
import { readElf } from '../../src/kernel/elf/index.ts';
import { SluiceError } from '../../src/lib/errors.ts';
import { BtfWriter } from '../support/btf-writer.ts';
import { Fixtures } from '../support/compile-bpf.ts';
import { requireTool } from '../support/require.ts';
import { seeded } from '../unit/classifier/rules.ts';

const SEED = Number(process.env['SLUICE_FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
process.stderr.write(`fuzz seed: SLUICE_FUZZ_SEED=${SEED}\n`);

type Random = (below: number) => number;

const fixtures = new Fixtures();
const objects: { name: string; bytes: Buffer; regions: Region[] }[] = [];

beforeAll(async () => {
  requireTool('clang');
  for (const name of ['maps', 'map-of-maps', 'core', 'functions', 'symbols', 'variables', 'layouts']) {
    const bytes = await fixtures.read(name);
    objects.push({ name, bytes, regions: regionsOf(bytes) });
  }
});
afterAll(() => fixtures.remove());

/** A part of the file that is worth damaging. */
interface Region {
  start: number;
  length: number;
}

/** The header, the section table, and the sections that are read. */
function regionsOf(bytes: Buffer): Region[] {
  const table = Number(bytes.readBigUInt64LE(40));
  const sections = readElf(bytes, 'whole').sections.filter(({ data, name }) => data.length > 0 && !name.startsWith('.debug') && !name.startsWith('.rel.debug'));
  const starts = sections.map(({ data }) => ({ start: data.byteOffset - bytes.byteOffset, length: data.length }));
  return [{ start: 0, length: 64 }, { start: table, length: bytes.length - table }, ...starts, ...starts.map(({ start }) => ({ start, length: 32 }))];
}

const NUMBERS = [0, 1, 2, 3, 4, 7, 8, 24, 0x7f, 0xff, 0x1000, 0x7fff, 0xffff, 0x10000, 0xffffff, 0x7fffffff, 0x80000000, 0xfffffff8, 0xffffffff];

/** A copy with one to six faults. */
function damage({ bytes, regions }: { bytes: Buffer; regions: readonly Region[] }, random: Random): Buffer {
  let copy = Buffer.from(bytes);
  for (let faults = 1 + random(6); faults > 0; faults--) {
    const { start, length } = random(4) === 0 ? { start: 0, length: copy.length } : regions[random(regions.length)]!;
    const at = Math.min(start + random(length), copy.length - 8);
    if (at < 0) break;
    switch (random(7)) {
      case 0: copy[at] = copy[at]! ^ (1 << random(8)); break;
      case 1: copy.writeUInt32LE(NUMBERS[random(NUMBERS.length)]!, at & ~3); break;
      case 2: copy.writeUInt16LE(NUMBERS[random(NUMBERS.length)]! & 0xffff, at & ~1); break;
      case 3: copy.writeBigUInt64LE(BigInt(NUMBERS[random(NUMBERS.length)]!) << BigInt(random(33)), at & ~7); break;
      case 4: copy.writeUInt32LE(random(copy.length), at & ~3); break;
      case 5: copy.copy(copy, at, random(copy.length), random(copy.length)); break;
      default: if (random(4) === 0) copy = copy.subarray(0, at);
    }
  }
  return Buffer.from(copy);
}

/** Reads all there is to read; returns what it was refused with. */
function readAll(bytes: Buffer): SluiceError | undefined {
  return attempt(() => {
    const elf = attemptValue(() => readElf(bytes, 'damaged'));
    const section = elf?.sections.find(({ name }) => name === '.BTF');
    if (section !== undefined) attempt(() => readTypes(new Btf(section.data, 'damaged')));
    checkObject(bytes, 'damaged');
  });
}

function readTypes(btf: Btf): void {
  const signatures = new Signatures(btf);
  for (let id = 0; id < btf.count + 2; id++) {
    const type = btf.type(id);
    describeType(btf, type);
    formatType(btf, type);
    attempt(() => btf.sizeOf(id));
    attempt(() => signatures.of(id));
  }
  btf.find('int', Kind.INT);
  btf.findFlavors('task_struct', [Kind.STRUCT, Kind.FWD]);
  dumpC(btf);
}

function attempt(work: () => void): SluiceError | undefined {
  try {
    work();
    return undefined;
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    return error;
  }
}

function attemptValue<T>(work: () => T): T | undefined {
  let value: T | undefined;
  attempt(() => void (value = work()));
  return value;
}

const megabytes = (): number => process.memoryUsage().rss / 2 ** 20;

test('damaged objects are read or refused, and never anything else', () => {
  const random = seeded(SEED);
  const [deadline, before] = [performance.now() + 6000, megabytes()];
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 200 || performance.now() < deadline; round++) {
    const object = objects[random(objects.length)]!;
    const bytes = damage(object, random);
    try {
      outcomes[readAll(bytes) === undefined ? 'read' : 'refused']++;
    } catch (error) {
      throw new Error(`seed ${SEED} round ${round}, ${object.name}: ${String((error as Error).stack)}`, { cause: error });
    }
  }
  process.stderr.write(`damaged objects: ${outcomes.read} read, ${outcomes.refused} refused\n`);
  expect(Math.min(outcomes.read, outcomes.refused)).toBeGreaterThan(0);
  expect(megabytes() - before).toBeLessThan(700);
});

test('BTF of random types is read or refused', () => {
  const random = seeded(SEED + 1);
  const deadline = performance.now() + 2500;
  const outcomes = { read: 0, refused: 0 };
  for (let round = 0; round < 200 || performance.now() < deadline; round++) {
    const writer = new BtfWriter();
    const count = 1 + random(40);
    for (let i = 0; i < count; i++) addRandom(writer, count, random);
    try {
      outcomes[attempt(() => readTypes(writer.read())) === undefined ? 'read' : 'refused']++;
    } catch (error) {
      throw new Error(`seed ${SEED} round ${round}: ${String((error as Error).stack)}`, { cause: error });
    }
  }
  expect(Math.min(outcomes.read, outcomes.refused)).toBeGreaterThan(0);
});

describe('hostile objects', () => {
  /** The object with sections appended; `fill` writes each header. */
  function withSections(bytes: Buffer, count: number, fill: (header: Buffer, index: number) => void): Buffer {
    const [start, have] = [Number(bytes.readBigUInt64LE(40)), bytes.readUInt16LE(60)];
    const headers = Array.from({ length: count }, (_, i) => {
      const header = Buffer.alloc(64);
      fill(header, have + i);
      return header;
    });
    const made = Buffer.concat([bytes, bytes.subarray(start, start + have * 64), ...headers]);
    made.writeBigUInt64LE(BigInt(bytes.length), 40);
    made.writeUInt16LE(have + count, 60);
    return made;
  }

  const SHT_REL = 9;
  const refusal = (bytes: Buffer): string | undefined => attempt(() => void checkObject(bytes, 'hostile'))?.message;

  test('relocations that lie on top of each other are refused before they fill the memory', () => {
    const padded = Buffer.concat([objects[0]!.bytes, Buffer.alloc(1 << 20)]);
    const before = megabytes();
    expect(refusal(withSections(padded, 3000, (header) => {
      header.writeUInt32LE(SHT_REL, 4);
      header.writeBigUInt64LE(BigInt(objects[0]!.bytes.length), 24);
      header.writeBigUInt64LE(BigInt(1 << 20), 32);
      header.writeUInt32LE(2, 44);
    }))).toMatch(/^hostile: not a usable BPF object: /);
    expect(megabytes() - before).toBeLessThan(300);
  });

  test('names without an end are refused before they fill the memory', () => {
    const object = objects[0]!.bytes;
    const strings = object.length;
    const symbols = strings + (1 << 20);
    const padded = Buffer.concat([object, Buffer.alloc(1 << 20, 'n'), Buffer.alloc(24 * 20_000)]);
    const before = megabytes();
    const made = withSections(padded, 2, (header, index) => {
      const isTable = index % 2 === object.readUInt16LE(60) % 2;
      header.writeUInt32LE(isTable ? 2 : 3, 4);
      header.writeBigUInt64LE(BigInt(isTable ? symbols : strings), 24);
      header.writeBigUInt64LE(BigInt(isTable ? 24 * 20_000 : 1 << 20), 32);
      header.writeUInt32LE(index + 1, 40);
    });
    // The first symbol table counts, so the other is no longer one.
    const own = readElf(object, 'whole').sections.find(({ type }) => type === 2)!.index;
    made.writeUInt32LE(1, padded.length + own * 64 + 4);
    for (let i = 0; i < 20_000; i++) made.writeUInt32LE(i % 7, symbols + i * 24);
    expect(refusal(made)).toMatch(/^hostile: /);
    expect(megabytes() - before).toBeLessThan(300);
  });

  test.each([['size', 32], ['place', 24]])('a section with a %s of many gigabytes is refused', (_, field) => {
    for (const value of [0xffffffffn, 0x1_0000_0000n, 0x7fff_ffff_ffff_ffffn, 0xffff_ffff_ffff_ffffn])
      expect(refusal(withSections(objects[0]!.bytes, 1, (header) => {
        header.writeUInt32LE(1, 4);
        header.writeBigUInt64LE(8n, 32);
        header.writeBigUInt64LE(value, field);
      }))).toBe('hostile: not a usable BPF object: truncated');
  });

  test('every file that ends too early is refused', () => {
    const { bytes } = objects[0]!;
    for (let length = 0; length < bytes.length; length += 97) expect(refusal(bytes.subarray(0, length)), `${length} bytes`).toMatch(/^hostile: /);
  });

  test('a map that holds maps like itself is refused', async () => {
    expect(refusal(await fixtures.read('map-in-itself'))).toBe('hostile: map self.inner holds maps in turn, which the kernel does not take');
  });

  test('objects for other machines are refused by name', () => {
    const change = (at: number, value: number): Buffer => {
      const copy = Buffer.from(objects[0]!.bytes);
      copy[at] = value;
      return copy;
    };
    expect([change(18, 62), change(5, 2), change(4, 1), change(16, 2)].map(refusal)).toEqual([
      expect.stringContaining('made for machine 62'), expect.stringContaining('big-endian'), expect.stringContaining('64-bit'), expect.stringContaining('relocatable'),
    ]);
  });
});

/** Words of a member, by kind. */
const MEMBER_WORDS: Readonly<Record<number, number>> = { [Kind.STRUCT]: 3, [Kind.UNION]: 3, [Kind.ENUM]: 2, [Kind.FUNC_PROTO]: 2, [Kind.DATASEC]: 3, [Kind.ENUM64]: 3 };
const FIXED_WORDS: Readonly<Record<number, number>> = { [Kind.INT]: 1, [Kind.ARRAY]: 3, [Kind.VAR]: 1, [Kind.DECL_TAG]: 1 };

function addRandom(writer: BtfWriter, count: number, random: Random): void {
  const kind = 1 + random(19);
  const id = (): number => (random(10) === 0 ? NUMBERS[random(NUMBERS.length)]! : random(count + 2));
  const word = (): number => (random(3) === 0 ? NUMBERS[random(NUMBERS.length)]! : id());
  const names = ['', '', 'a', 'b', 'int', 'a___2', 'x y', '1x', '"; system', 'n'.repeat(600), '\u001b[2J', 'é'];
  const vlen = MEMBER_WORDS[kind] === undefined ? random(3) : random(6);
  const tail = Array.from({ length: (FIXED_WORDS[kind] ?? 0) + (MEMBER_WORDS[kind] ?? 0) * vlen }, (_, i) => (MEMBER_WORDS[kind] === 3 && i % 3 === 0 ? writer.name(names[random(names.length)]!) : word()));
  writer.add({ name: names[random(names.length)]!, kind, vlen, flag: random(2) === 0, last: word(), tail });
}

describe('hostile types', () => {
  /** What `dumpC` and all others make of what is written. */
  const outcome = (write: (writer: BtfWriter) => void): string | undefined => {
    const writer = new BtfWriter();
    write(writer);
    return attempt(() => readTypes(writer.read()))?.message;
  };

  test.each<[string, (writer: BtfWriter) => void]>([
    ['a struct in itself', (w) => w.record('s', 8, [['a', 1, 0], ['b', 1, 0]])],
    ['structs in each other', (w) => [w.record('s', 8, [['a', 2, 0]]), w.record('t', 8, [['a', 1, 0]])]],
    ['a nameless struct in itself', (w) => [w.record('', 8, [['a', 1, 0], ['b', 1, 0]]), w.add({ name: 't', kind: Kind.TYPEDEF, last: 1 })]],
    ['a typedef of itself', (w) => w.add({ name: 't', kind: Kind.TYPEDEF, last: 1 })],
    ['typedefs of each other', (w) => [w.add({ name: 't', kind: Kind.TYPEDEF, last: 2 }), w.add({ name: 'u', kind: Kind.TYPEDEF, last: 1 })]],
    ['qualifiers in a circle', (w) => [w.add({ kind: Kind.CONST, last: 2 }), w.add({ kind: Kind.VOLATILE, last: 1 }), w.add({ name: 't', kind: Kind.TYPEDEF, last: 1 })]],
    ['a pointer to itself', (w) => [w.add({ kind: Kind.PTR, last: 1 }), w.add({ name: 't', kind: Kind.TYPEDEF, last: 1 })]],
    ['an array of itself', (w) => [w.add({ kind: Kind.ARRAY, tail: [1, 1, 0xffffffff] }), w.add({ name: 't', kind: Kind.TYPEDEF, last: 1 })]],
    ['a function that takes itself', (w) => [w.add({ kind: Kind.FUNC_PROTO, vlen: 2, last: 1, tail: [0, 1, 0, 1] }), w.add({ name: 't', kind: Kind.TYPEDEF, last: 1 })]],
    ['pointers behind each other without end', (w) => {
      for (let i = 1; i <= 100_000; i++) w.add({ kind: Kind.PTR, last: i + 1 });
      w.add({ name: 't', kind: Kind.TYPEDEF, last: 1 });
    }],
    ['functions that branch without end', (w) => {
      for (let i = 1; i <= 60; i++) w.add({ kind: Kind.FUNC_PROTO, vlen: 2, last: 0, tail: [0, i + 1, 0, i + 1] });
      w.int();
      w.add({ name: 't', kind: Kind.TYPEDEF, last: 1 });
    }],
    ['nameless structs that branch without end', (w) => {
      for (let i = 1; i <= 60; i++) w.record('', 8, [['a', i + 1, 0], ['b', i + 1, 32]]);
      w.int();
      w.add({ name: 't', kind: Kind.TYPEDEF, last: 1 });
    }],
    ['a name of a megabyte that all members share', (w) => {
      w.int();
      const name = w.name('n'.repeat(1 << 20));
      w.add({ name: 's', kind: Kind.STRUCT, vlen: 60_000, last: 4, tail: Array.from({ length: 60_000 }, () => [name, 1, 0]).flat() });
    }],
  ])('%s: refused', (_, write) => {
    expect(outcome(write)).toMatch(/^hand\.btf: BTF is damaged: /);
  });

  test.each<[string, (writer: BtfWriter) => void]>([
    ['a struct of 4 GB', (w) => [w.int(), w.record('s', 0xffffffff, [['a', 1, 0], ['b', 1, 0xffffff00]])]],
    ['arrays of arrays of 4 G elements', (w) => {
      w.int();
      for (let i = 1; i <= 20; i++) w.add({ kind: Kind.ARRAY, tail: [i, 1, 0xffffffff] });
      w.record('s', 0xffffffff, [['a', 21, 0], ['b', 1, 64]]);
    }],
    ['types that do not exist', (w) => [w.record('s', 8, [['a', 0xffffffff, 0], ['b', 99, 0xffffffff]]), w.add({ name: 't', kind: Kind.TYPEDEF, last: 77 })]],
    ['members in no order', (w) => [w.int(), w.record('s', 4, [['a', 1, 64], ['b', 1, 3], ['c', 1, 0]])]],
    ['an enum of no size that is known', (w) => w.add({ name: 'e', kind: Kind.ENUM, vlen: 1, last: 77, tail: [w.name('A'), 5] })],
  ])('%s: read in little memory', (_, write) => {
    const before = megabytes();
    expect(outcome(write)).toBeUndefined();
    expect(megabytes() - before).toBeLessThan(300);
  });

  test('names are no way to write C, nor to steer a terminal', () => {
    const writer = new BtfWriter();
    writer.int();
    writer.record('s {}; int evil', 4, [['a; char *p', 1, 0]]);
    writer.add({ name: 'e\u001b[2J', kind: Kind.ENUM, vlen: 1, last: 4, tail: [writer.name('A = 1, B'), 5] });
    writer.add({ kind: Kind.TYPE_TAG, name: 'x"))); int evil2', last: 1 });
    writer.add({ kind: Kind.PTR, last: 4 });
    writer.add({ name: 't', kind: Kind.TYPEDEF, last: 5 });
    const text = dumpC(writer.read());
    expect(text).toContain('struct s_____int_evil {\n\tint a__char__p;\n};');
    expect(text).toContain('enum e__2J {\n\tA___1__B = 5,\n};');
    expect(text).not.toMatch(/int evil|\)\)\); int/);
  });
});
