import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadObject, type LoadedObject } from '../../src/kernel/bpf/index.ts';
import { Fixtures } from '../support/compile-bpf.ts';
import { requireRoot } from '../support/require.ts';
import { schemaProblems } from '../support/schema.ts';
import { sluice } from '../support/sluice.ts';

const fixtures = new Fixtures();
let loaded: LoadedObject;
let id: string;

beforeAll(async () => {
  requireRoot();
  loaded = loadObject(await fixtures.read('maps'), 'maps.bpf.o');
  id = String(loaded.program('store').info().id);
});
afterAll(() => {
  loaded.close();
  fixtures.remove();
});

const dump = async (...words: string[]): Promise<string> => {
  const { stdout, stderr } = await sluice(['bpf', 'prog', 'dump', ...words]);
  expect(stderr).toBe('');
  return stdout;
};

test('instructions with source lines are what is printed unless something else is asked for', async () => {
  const text = await dump('id', id);
  expect(text).toMatch(/^int store\(struct xdp_md \*ctx\):\n; int store\(struct xdp_md \*ctx\) @ maps\.bpf\.c:\d+\n {3}0: \(bf\) r6 = r1\n/);
  expect(text).toMatch(/\n; return XDP_DROP; @ maps\.bpf\.c:\d+\n +\d+: \(b7\) r0 = 1\n +\d+: \(95\) exit\n\n__u64 add\(__u64 a, __u64 b\):\n/);
  expect(await dump(id, '--xlated')).toBe(text);
});

test('with the bytes of each, machine code alone, or lines of C alone', async () => {
  expect(await dump(id, '--opcodes')).toContain('   0: (bf) r6 = r1\n      bf 16 00 00 00 00 00 00\n');
  expect(await dump(id, '--jited')).toMatch(/^int store\(struct xdp_md \*ctx\):\n; at 0x[0-9a-f]{16}, \d+ bytes\n {3}0: ([0-9a-f]{2} ){15}[0-9a-f]{2}\n {2}10: /);
  expect(await dump(id, '--source')).toMatch(/^int store\(struct xdp_md \*ctx\):\nmaps\.bpf\.c:\d+ +0 +int store/);
});

test('machines get it as its schema says', async () => {
  const schema = JSON.parse((await sluice(['schema', 'BpfProgramDump'])).stdout) as Record<string, unknown>;
  const object = JSON.parse(await dump(id, '-o', 'json')) as { functions: { name: string; instructions: unknown[] }[] };
  expect(schemaProblems(schema, object)).toEqual([]);
  expect(object.functions.map(({ name }) => name)).toEqual(['store', 'add', 'shared']);
  expect(object.functions[0]!.instructions[0]).toMatchObject({ index: 0, bytes: 'bf16000000000000', text: '(bf) r6 = r1' });
});

test('what does not exist, and two forms at once, are refused', async () => {
  expect((await sluice(['bpf', 'prog', 'dump', '4294967295'])).exitCode).toBe(5);
  expect((await sluice(['bpf', 'prog', 'dump', id, '--jited', '--source'])).exitCode).toBe(2);
});
