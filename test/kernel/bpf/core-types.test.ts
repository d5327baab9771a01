import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { CoreRelocator } from '../../../src/kernel/bpf/core/index.ts';
import { indexKey, loadObject } from '../../../src/kernel/bpf/index.ts';
import { ObjectFile } from '../../../src/kernel/bpf/object/object-file.ts';
import { readElf } from '../../../src/kernel/elf/index.ts';
import { run } from '../../../src/tools/index.ts';
import { mountBpffs } from '../../support/bpffs.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireRoot } from '../../support/require.ts';

const TYPE_EXISTS = 8;
const TYPE_MATCHES = 12;

let fixtures: Fixtures;
let bpffs: ReturnType<typeof mountBpffs>;

beforeAll(() => {
  requireRoot();
  fixtures = new Fixtures();
  bpffs = mountBpffs();
});

afterAll(async () => {
  fixtures.remove();
  await bpffs.unmount();
});

test('whether types match is answered as by libbpf', async () => {
  const path = await fixtures.compile('core-matches');
  const bytes = await fixtures.read('core-matches');
  expect(changeKind(bytes, TYPE_EXISTS, TYPE_MATCHES)).toBe(12);
  using object = loadObject(bytes, 'core-matches');
  object.program('ask').testRun({ data: Buffer.alloc(64) });
  const value = object.map('.bss').lookup(indexKey(0))!;
  expect(Array.from({ length: 12 }, (_, i) => value.readUInt32LE(i * 8))).toEqual([1, 0, 0, 1, 1, 0, 1, 0, 1, 0, 1, 0]);
  writeFileSync(path, bytes);
  await run(['bpftool', 'prog', 'loadall', path, `${bpffs.path}/matches`]);
  const { stdout } = await run(['bpftool', '-j', 'prog', 'show', 'pinned', `${bpffs.path}/matches/ask`]);
  expect(JSON.parse(stdout)).toMatchObject({ tag: object.program('ask').info().tag });
});

/** Changes the kind of CO-RE relocations in `.BTF.ext`; returns how many. */
function changeKind(bytes: Buffer, from: number, to: number): number {
  const { data } = readElf(bytes, 'x').sections.find(({ name }) => name === '.BTF.ext')!;
  const start = data.readUInt32LE(4) + data.readUInt32LE(24);
  const size = data.readUInt32LE(start);
  let changed = 0;
  for (let at = start + 4; at < start + data.readUInt32LE(28); ) {
    const count = data.readUInt32LE(at + 4);
    for (let record = at + 8; record < at + 8 + count * size; record += size) {
      if (data.readUInt32LE(record + 12) !== from) continue;
      data.writeUInt32LE(to, record + 12);
      changed++;
    }
    at += 8 + count * size;
  }
  return changed;
}

describe('several types of one name', () => {
  async function answerOf(index: number): Promise<number | string> {
    const file = new ObjectFile(await fixtures.read('core-flavors'), 'core-flavors');
    const relocator = new CoreRelocator(file.btf, () => file.btf, () => []);
    const relocation = file.extensions.relocations.get('socket')![index]!;
    const code = file.code(file.programs[0]!).subarray(relocation.offset);
    try {
      relocator.apply(code, 0, relocation);
      return code.readInt32LE(4);
    } catch (error) {
      return (error as Error).message;
    }
  }

  test('answer as one where they agree, and those count that have the field', async () => {
    expect(await answerOf(0)).toBe(8);
    expect(await answerOf(1)).toBe(1);
    expect(await answerOf(3)).toBe(1);
  });

  test('are refused where they do not', async () => {
    expect(await answerOf(2)).toBe('cannot relocate pair.first: the kernel has several types of that name, which differ');
  });
});
