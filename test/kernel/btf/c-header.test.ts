import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Btf, type BtfType, dumpC, kernelBtf, Kind } from '../../../src/kernel/btf/index.ts';
import { readElf } from '../../../src/kernel/elf/index.ts';
import { run } from '../../../src/tools/index.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireTool } from '../../support/require.ts';

/** The C header of types, and what clang makes of it. */

const fixtures = new Fixtures();
const folder = mkdtempSync(join(tmpdir(), 'c-header-'));

beforeAll(() => requireTool('clang'));
afterAll(() => {
  rmSync(folder, { recursive: true });
  fixtures.remove();
});

const objectBtf = (bytes: Buffer): Btf => new Btf(readElf(bytes, 'object').sections.find(({ name }) => name === '.BTF')!.data, 'object');

interface Record {
  type: BtfType;
  /** `struct name`, as the header calls it. */
  name: string;
}

/** All structs and unions with a name; of several of one name the second is `name___2`. */
function records(btf: Btf): Record[] {
  const [found, counts]: [Record[], Map<string, number>] = [[], new Map()];
  for (let id = 1; id < btf.count; id++) {
    const type = btf.type(id);
    const [isRecord, isEnum] = [type.kind === Kind.STRUCT || type.kind === Kind.UNION, type.kind === Kind.ENUM || type.kind === Kind.ENUM64];
    if (type.name === '' || (!isRecord && (!isEnum || type.vlen === 0))) continue;
    const count = (counts.get(type.name) ?? 0) + 1;
    counts.set(type.name, count);
    const word = type.kind === Kind.UNION ? 'union' : 'struct';
    if (isRecord) found.push({ type, name: `${word} ${type.name}${count === 1 ? '' : `___${count}`}` });
  }
  return found;
}

/** A member by its path; `bitSize` is 0 unless it is a bit field. */
interface Place {
  name: string;
  bitOffset: number;
  bitSize: number;
}

/** Members with a name, those of structs without a name in it included. */
function places(btf: Btf, type: BtfType, start: number = 0): Place[] {
  return btf.members(type).flatMap(({ name, type: id, bitOffset, bitSize }) => {
    if (name === '') return bitSize === 0 ? places(btf, btf.resolve(id), start + bitOffset) : [];
    return name.startsWith('__gap_') ? [] : [{ name, bitOffset: start + bitOffset, bitSize }];
  });
}

/** Compiles text behind the header and returns what was said; an empty text when all is well. */
async function compile(btf: Btf, name: string, text: string, first: string = ''): Promise<string> {
  writeFileSync(join(folder, `${name}.h`), dumpC(btf));
  writeFileSync(join(folder, `${name}.c`), `${first}\n#include "${name}.h"\n${text}`);
  const flags = ['-target', 'bpf', '-g', '-O2', '-Wall', '-Wextra', '-ferror-limit=20', '-c', join(folder, `${name}.c`), '-o', join(folder, `${name}.o`)];
  return (await run(['clang', ...flags], { allowFailure: true })).stderr;
}

describe.each([
  ['the running kernel', () => kernelBtf(), { asserts: 20_000, bitFields: 100, enumerators: 10_000 }],
  ['types of odd layouts', async () => objectBtf(await fixtures.read('layouts')), { asserts: 40, bitFields: 2, enumerators: 5 }],
])('the header of %s', (label, read, least) => {
  const file = label.replaceAll(' ', '-');
  let btf: Btf;
  beforeAll(async () => {
    btf = await read();
  });

  test('has the size and all offsets of every struct', async () => {
    const asserts = records(btf).flatMap(({ type, name }) => [
      `_Static_assert(sizeof(${name}) == ${type.sizeOrType}, "sizeof ${name}");`,
      ...places(btf, type).filter(({ bitSize }) => bitSize === 0)
        .map(({ name: member, bitOffset }) => `_Static_assert(__builtin_offsetof(${name}, ${member}) == ${bitOffset / 8}, "${name}.${member}");`),
    ]);
    expect(asserts.length).toBeGreaterThan(least.asserts);
    expect(await compile(btf, `${file}-asserts`, asserts.join('\n'))).toBe('');
  });

  test('has every bit field where it is, says the BTF that clang makes of it', async () => {
    const all = records(btf).filter(({ type }) => places(btf, type).some(({ bitSize }) => bitSize > 0));
    expect(all.length).toBeGreaterThanOrEqual(least.bitFields);
    expect(await compile(btf, `${file}-variables`, all.map(({ name }, i) => `${name} v${i}[0];`).join('\n'))).toBe('');
    const made = objectBtf(readFileSync(join(folder, `${file}-variables.o`)));
    const byName = new Map(Array.from({ length: made.count }, (_, id) => made.type(id)).map((type) => [`${type.kind} ${type.name}`, type]));
    for (const { type, name } of all) {
      const found = byName.get(`${type.kind} ${name.split(' ')[1]}`)!;
      expect({ name, size: found.sizeOrType, places: places(made, found) }).toEqual({ name, size: type.sizeOrType, places: places(btf, type) });
    }
  });

  test('has every enum in its size, and every enumerator', async () => {
    const asserts = Array.from({ length: btf.count }, (_, id) => btf.type(id)).filter(({ kind }) => kind === Kind.ENUM || kind === Kind.ENUM64).flatMap((type) => [
      ...(type.name === '' || type.vlen === 0 ? [] : [`_Static_assert(sizeof(enum ${type.name}) == ${type.sizeOrType}, "enum ${type.name}");`]),
      // The second of two of one name has another in C.
      ...btf.enumerators(type).map(({ name }) => `extern char size_of_${name}[sizeof(${name})];`),
    ]);
    expect(asserts.length).toBeGreaterThanOrEqual(least.enumerators);
    expect(await compile(btf, `${file}-enums`, asserts.join('\n'))).toBe('');
  });
});

test('the kernel\'s header declares every function that programs may call, and goes together with libbpf\'s', async () => {
  const btf = kernelBtf();
  const names = Array.from({ length: btf.count }, (_, id) => btf.type(id)).filter(({ kind, name }) => kind === Kind.DECL_TAG && name === 'bpf_kfunc')
    .map(({ sizeOrType }) => btf.type(sizeOrType).name);
  expect(names.length).toBeGreaterThan(100);
  const headers = ['bpf_helpers', 'bpf_endian', 'bpf_core_read', 'bpf_tracing'].map((name) => `#include <bpf/${name}.h>`).join('\n');
  const uses = [...new Set(names)].map((name) => `_Static_assert(sizeof(&${name}) == 8, "${name}");`).join('\n');
  expect(await compile(btf, 'functions', `${headers}\n${uses}`)).toBe('');
  const own = 'extern int bpf_dynptr_is_null(int mine);';
  expect(await compile(btf, 'functions', own)).toContain('conflicting types');
  expect(await compile(btf, 'functions', own, '#define BPF_NO_KFUNC_PROTOTYPES')).toBe('');
});
