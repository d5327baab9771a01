import { readFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { btfSummary, loadObject, objectIds, openById, parseBtf, readBtfObject } from '../../../src/kernel/bpf/index.ts';
import { KERNEL_BTF, Kind } from '../../../src/kernel/btf/index.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireRoot } from '../../support/require.ts';

const fixtures = new Fixtures();
beforeAll(requireRoot);
afterAll(() => fixtures.remove());

test('the kernel\'s own types are among the objects, as in sysfs', () => {
  const summaries = [...objectIds('btf')].map((id) => {
    using fd = openById('btf', id);
    return fd === undefined ? undefined : btfSummary(fd);
  });
  const vmlinux = summaries.find((summary) => summary?.name === 'vmlinux');
  const bytes = readFileSync(KERNEL_BTF);
  expect(vmlinux).toMatchObject({ isKernel: true, size: bytes.length });
  expect(readBtfObject(vmlinux!.id)?.bytes.equals(bytes)).toBe(true);
});

test('a program and its maps name the object with their types', async () => {
  using loaded = loadObject(await fixtures.read('maps'), 'maps.bpf.o');
  const { btfId } = loaded.program('store').info();
  const object = readBtfObject(btfId)!;
  expect(object).toMatchObject({ id: btfId, isKernel: false, size: object.bytes.length });
  const btf = parseBtf(object);
  expect(btf.find('store', Kind.FUNC)).toHaveLength(1);
  const sources = loaded.map('sources').info();
  expect(sources.btfId).toBe(btfId);
  expect([btf.type(sources.keyType), btf.sizeOf(sources.valueType)]).toMatchObject([{ kind: Kind.STRUCT, name: 'source' }, 8]);
  expect(loaded.map('totals').info()).toMatchObject({ keyType: 0, valueType: 0, kernelValueType: 0 });
});

test('an id that does not exist is absent', () => {
  expect(readBtfObject(0x7fff_ffff)).toBeUndefined();
});
