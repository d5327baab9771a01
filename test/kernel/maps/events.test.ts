import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { deleteEntry, dumpMap, followEvents, lookupEntry, setEntry, type EventTotals, type MapEntry, type MapEvent } from '../../../src/domain/maps/index.ts';
import { loadObject, type LoadedObject } from '../../../src/kernel/bpf/index.ts';
import { run } from '../../../src/tools/index.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireKernel, requireRoot } from '../../support/require.ts';

beforeAll(requireRoot);

let fixtures: Fixtures;
let object: LoadedObject;

beforeAll(async () => {
  fixtures = new Fixtures();
  object = loadObject(await fixtures.read('decode'), 'decode.bpf.o', { allMaps: true });
});

afterAll(() => {
  object.close();
  fixtures.remove();
});

const reference = (name: string) => ({ by: 'id' as const, id: object.map(name).info().id });
const emit = (): number => object.program('emit').testRun({ data: Buffer.alloc(64) }).result;

/** Emits `count` events once the reader is there, and reads until it ends. */
async function collect(events: AsyncGenerator<MapEvent, EventTotals, void>, count: number): Promise<{ all: MapEvent[]; totals: EventTotals }> {
  const all: MapEvent[] = [];
  const first = events.next();
  for (let i = 0; i < count; i++) emit();
  for (let next = await first; ; next = await events.next()) {
    if (next.done === true) return { all, totals: next.value };
    all.push(next.value);
  }
}

/** Hex of the bytes that bpftool prints one by one. */
const bytesOf = ({ value }: { value: string[] }): string => value.map((byte) => byte.slice(2)).join('');

describe.each(['ring', 'perf'])('%s', (name) => {
  test('hands out records as the struct that they are', async () => {
    const until = AbortSignal.timeout(20_000);
    const { all, totals } = await collect(followEvents(reference(name), { type: 'event', count: 3, until, force: true }), 3);
    expect(totals).toEqual({ events: 3, lost: 0, countsLost: name === 'perf' });
    const numbers = all.map(({ event }) => (event!.decoded as { number: number }).number);
    expect(numbers).toEqual([numbers[0], numbers[0]! + 1, numbers[0]! + 2]);
    expect(all[0]!.event!.decoded).toMatchObject({ saddr: '10.0.0.1', comm: 'emit' });
    expect(all[0]!.event!.display).toMatch(/^number=\d+ saddr=10\.0\.0\.1 comm=emit$/);
    expect(all[0]!.cpu === undefined).toBe(name === 'ring');
  });

  test('without a type hands out bytes, and ends when it is told to', async () => {
    const controller = new AbortController();
    const events = followEvents(reference(name), { until: controller.signal, force: true });
    const first = events.next();
    emit();
    const { value } = (await first) as { value: MapEvent };
    expect(value.event!.hex).toMatch(/^[\da-f]{8}0a000001656d6974/);
    const pending = events.next();
    controller.abort();
    // Records of the test before may still be there.
    expect(['object', 'undefined']).toContain(typeof (await pending).value);
    await events.return({ events: 0, lost: 0, countsLost: false });
  });
});

test('a perf ring that is full says how many records it lost', async () => {
  const events = followEvents(reference('perf'), { until: AbortSignal.timeout(20_000), force: true });
  // The kernel tells of losses with the next record of the same CPU.
  const { stdout } = await run(['taskset', '-p', String(process.pid)]);
  await run(['taskset', '-p', '1', String(process.pid)]);
  try {
    const first = events.next();
    for (let i = 0; i < 20_000; i++) emit();
    let lost = 0;
    for (let next = await first; next.done !== true && lost === 0; next = await events.next()) {
      lost += next.value.lost ?? 0;
      emit();
    }
    expect(lost).toBeGreaterThan(0);
  } finally {
    await events.return({ events: 0, lost: 0, countsLost: true });
    await run(['taskset', '-p', stdout.trim().split(' ').at(-1)!, String(process.pid)]);
  }
});

test('what has no events, or no such type, is refused', () => {
  const until = AbortSignal.timeout(1000);
  expect(() => followEvents(reference('per_cpu'), { until })).toThrow('which has no events');
  expect(() => followEvents(reference('ring'), { type: 'no_such_struct', until, force: true })).toThrow('there is no type no_such_struct');
});

test('programs go into an array by reference', () => {
  const programs = object.map('programs').info().id;
  const emitted = object.program('emit').info().id;
  setEntry([programs, '1', `id ${emitted}`]);
  expect(lookupEntry([programs, '1']).entry.value?.decoded).toBe(emitted);
  expect(() => setEntry([programs, '1', `id ${object.program('trace').info().id}`])).toThrow('the kernel does not take this');
});

test('stacks are lists of addresses, as bpftool has them in bytes', async () => {
  object.program('trace').testRun({ data: Buffer.alloc(0), repeat: 0 });
  const stacks: MapEntry[] = [];
  for await (const entry of dumpMap(reference('stacks')).items()) stacks.push(entry);
  expect(stacks.length).toBe(1);
  const { stdout } = await run(['bpftool', '-j', 'map', 'dump', 'id', String(reference('stacks').id)]);
  const [theirs] = JSON.parse(stdout) as { value: string[] }[];
  expect(stacks[0]!.value!.hex).toBe(bytesOf(theirs!));
  expect((stacks[0]!.value!.decoded as string[])[0]).toMatch(/^0xffffffff[\da-f]{8}$/);
  expect(deleteEntry([reference('stacks').id, stacks[0]!.key!.display])!.action).toBe('delete');
});

test('a table of functions is shown with the state that the kernel keeps of it', async () => {
  requireKernel('6.4', 'struct_ops links');
  using table = loadObject(await fixtures.read('struct-ops-link'), 'struct-ops-link');
  const { id } = table.map('congestion').info();
  const { value } = lookupEntry([id, '0']).entry;
  const [theirs] = JSON.parse((await run(['bpftool', '-j', 'map', 'dump', 'id', String(id)])).stdout) as { value: string[] }[];
  expect(value!.hex).toBe(bytesOf(theirs!));
  expect(value!.decoded).toMatchObject({ common: { state: 'BPF_STRUCT_OPS_STATE_READY' }, data: { name: 'sluice_fixture' } });
  expect(() => setEntry([id, '0', '{}'])).toThrow('cannot be set');
  expect(() => deleteEntry([id, '0'])).toThrow('cannot be deleted');
});
