import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { findMap, findObject, findProgram, readReference } from '../../../src/domain/bpf/index.ts';
import { attachNetfilter, BpfMap, BpfProgram, linkInfo, pin } from '../../../src/kernel/bpf/index.ts';
import { bpf as uapi } from '../../../src/kernel/uapi/index.ts';
import { mountBpffs } from '../../support/bpffs.ts';
import { requireRoot } from '../../support/require.ts';
import { withNetns } from '../../support/sluice.ts';

requireRoot();

/** Names of this run: others load programs at the same time. */
const NAME = `r${process.pid % 1_000_000}`;
/** `r0 = 1; exit` */
const ACCEPT = Buffer.from('b7000000010000009500000000000000', 'hex');

let bpffs: ReturnType<typeof mountBpffs>;
let program: BpfProgram;
let map: BpfMap;

const load = (name: string): BpfProgram =>
  BpfProgram.load({ name, type: uapi.BPF_PROG_TYPE_NETFILTER, expectedAttachType: uapi.BPF_NETFILTER, instructions: ACCEPT, license: 'GPL' });
const makeMap = (name: string): BpfMap =>
  BpfMap.create({ name, type: uapi.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 8, maxEntries: 1, flags: 0 });

beforeAll(() => {
  bpffs = mountBpffs();
  program = load(`${NAME}p`);
  map = makeMap(`${NAME}m`);
  pin(program.fd, join(bpffs.path, 'prog'));
  pin(map.fd, join(bpffs.path, 'map'));
});

afterAll(async () => {
  program.close();
  map.close();
  await bpffs.unmount();
});

const programId = (...words: string[]): number => {
  using found = findProgram(readReference(words));
  return found.info().id;
};
const mapId = (...words: string[]): number => {
  using found = findMap(readReference(words));
  return found.info().id;
};

test('a program is found by id, name and pin', () => {
  const { id } = program.info();
  expect([programId(String(id)), programId('id', String(id)), programId(`${NAME}p`), programId('name', `${NAME}p`), programId(join(bpffs.path, 'prog'))]).toEqual([id, id, id, id, id]);
});

test('a map is found by id, name and pin', () => {
  const { id } = map.info();
  expect([mapId(String(id)), mapId(`${NAME}m`), mapId('pinned', join(bpffs.path, 'map'))]).toEqual([id, id, id]);
});

test('a tag is shared by equal programs: all of them are listed', () => {
  using twin = load(`${NAME}q`);
  const { tag, id } = twin.info();
  expect(() => programId('tag', tag)).toThrow(expect.objectContaining({
    code: 'SL2551', reason: 'usage', causes: expect.arrayContaining([`id ${id}  ${NAME}q  tag ${tag}`, `id ${program.info().id}  ${NAME}p  tag ${tag}`]),
  }));
  expect(programId(`${NAME}q`)).toBe(id);
});

test('a link is found by id and by the name of its program', async () => {
  await withNetns('ref', ({ path }) => {
    using link = attachNetfilter(program, { family: 2, hook: 3, priority: 1 }, path);
    const { id } = linkInfo(link);
    using byName = findObject('link', readReference([`${NAME}p`]));
    using byId = findObject('link', readReference([String(id)]));
    expect([linkInfo(byName).id, linkInfo(byId).id]).toEqual([id, id]);
  });
});

test.each([
  ['program', ['4294967290'], 'no program id 4294967290', 'sluice bpf prog list'],
  ['map', ['none_such'], "no map 'none_such'", 'sluice bpf map list'],
  ['link', ['tag', '00000000000000ff'], 'no link tag 00000000000000ff', 'sluice bpf link list'],
  ['btf', ['none_such'], "no BTF object 'none_such'", 'sluice bpf btf list'],
] as const)('no such %s %j', (kind, words, message, hint) => {
  expect(() => findObject(kind, readReference(words))).toThrow(expect.objectContaining({ code: 'SL2550', reason: 'not-found', message, hints: [hint] }));
});

test('a pin that is not there, and one of another kind', () => {
  expect(() => programId(join(bpffs.path, 'none'))).toThrow(expect.objectContaining({ code: 'SL2550', hints: ['sluice bpf pin list', 'sluice bpf prog list'] }));
  expect(() => programId(join(bpffs.path, 'map'))).toThrow(expect.objectContaining({ code: 'SL2553', causes: ['a map is pinned there'] }));
  expect(() => mapId(join(bpffs.path, 'prog'))).toThrow(expect.objectContaining({ code: 'SL2553', causes: ['a program is pinned there'] }));
});

test('the types of the kernel are found by name', () => {
  using vmlinux = findObject('btf', readReference(['vmlinux']));
  expect(vmlinux.number).toBeGreaterThan(0);
});
