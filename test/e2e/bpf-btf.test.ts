import { execFileSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { loadObject, type LoadedObject, pin } from '../../src/kernel/bpf/index.ts';
import { KERNEL_BTF } from '../../src/kernel/btf/index.ts';
import { Fixtures } from '../support/compile-bpf.ts';
import { requireRoot, requireTool } from '../support/require.ts';
import { schemaProblems } from '../support/schema.ts';
import { sluice, tempState, type TempState } from '../support/sluice.ts';

const fixtures = new Fixtures();
let state: TempState;
let object: string;
let loaded: LoadedObject;

beforeAll(async () => {
  requireRoot();
  requireTool('bpftool');
  state = tempState();
  object = await fixtures.compile('maps');
  loaded = loadObject(await fixtures.read('maps'), 'maps.bpf.o');
});
afterAll(() => {
  loaded.close();
  fixtures.remove();
  state.close();
});

const bpftool = (...words: string[]): string => execFileSync('bpftool', words, { encoding: 'utf8', maxBuffer: 2 ** 28 });
const dump = async (...words: string[]): Promise<string> => {
  const { stdout, stderr } = await sluice(['bpf', 'btf', 'dump', ...words]);
  expect(stderr).toBe('');
  return stdout;
};

describe('bpf btf dump', () => {
  test('prints the types of the kernel as bpftool does, to the byte', async () => {
    expect((await dump('vmlinux')) === bpftool('btf', 'dump', 'file', KERNEL_BTF)).toBe(true);
  });

  test.each([['maps'], ['core'], ['layouts'], ['netfilter']])('prints those of object %s in the same way', async (name) => {
    const path = await fixtures.compile(name);
    expect(await dump(path)).toBe(bpftool('btf', 'dump', 'file', path));
  });

  test('takes an id, a program, a map and a pin', async () => {
    const { id, btfId } = loaded.program('store').info();
    const expected = bpftool('btf', 'dump', 'id', String(btfId));
    const path = join(state.env.SLUICE_BPFFS, 'program');
    pin(loaded.program('store').fd, path);
    expect(expected).toContain("STRUCT 'source'");
    for (const words of [[String(btfId)], ['id', String(btfId)], ['prog', 'id', String(id)], ['map', String(loaded.map('sources').info().id)], [path], ['file', object]])
      expect((await dump(...words)).match(/STRUCT 'source'.*/)?.[0]).toBe(/STRUCT 'source'.*/.exec(expected)![0]);
  });

  test('writes C, and objects for machines', async () => {
    expect(await dump(object, '--format', 'c')).toContain('struct source {\n\t__u32 address;\n\t__u16 port;\n\t__u16 protocol;\n};');
    const json = await dump(object, '-o', 'json');
    const schema = JSON.parse((await sluice(['schema', 'BpfBtfDump'])).stdout) as Record<string, unknown>;
    expect(schemaProblems(schema, JSON.parse(json))).toEqual([]);
    const { types } = JSON.parse(json) as { types: { id: number; kind: string; name: string; members?: unknown }[] };
    expect(types.map(({ id }) => id)).toEqual(types.map((_, i) => i + 1));
    expect(types.find(({ name, kind }) => name === 'source' && kind === 'STRUCT')).toMatchObject({
      size: 8, members: [{ name: 'address', bitOffset: 0 }, { name: 'port', bitOffset: 32 }, { name: 'protocol', bitOffset: 48 }],
    });
  });

  test('says what is wrong', async () => {
    writeFileSync(join(state.root, 'short'), 'abc');
    writeFileSync(join(state.root, 'text'), 'a'.repeat(100));
    const outcomes = [['4294967295'], ['no_such_name'], [join(state.root, 'short')], [join(state.root, 'text')], ['file', join(state.root, 'none')]]
      .map(async (words) => {
        const { exitCode, stderr, stdout } = await sluice(['bpf', 'btf', 'dump', ...words]);
        return [exitCode, stdout, /SL\d+/.exec(stderr)?.[0]];
      });
    expect(await Promise.all(outcomes)).toEqual([[5, '', 'SL2550'], [5, '', 'SL2550'], [2, '', 'SL2402'], [2, '', 'SL2402'], [2, '', 'SL1102']]);
  });
});

test('bpf btf list shows what the kernel holds, and who uses it', async () => {
  const { stdout } = await sluice(['bpf', 'btf', 'list', '-o', 'json']);
  const { items } = JSON.parse(stdout) as { items: { id: number; name: string; isKernel: boolean; programs: number[]; maps: number[] }[] };
  const { id, btfId } = loaded.program('store').info();
  const map = loaded.map('sources').info();
  expect(items).toContainEqual(expect.objectContaining({ name: 'vmlinux', isKernel: true }));
  const own = items.find((item) => item.id === btfId);
  expect(own?.programs).toContain(id);
  expect(own?.maps).toContain(map.id);
  expect((await sluice(['bpf', 'btf', 'ls'])).stdout).toMatch(/^ID +NAME +OF +SIZE +PROGS +MAPS\n/);
});
