import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readFileSync } from 'node:fs';
import { BpfMap, indexKey, loadObject, openPin, pin, possibleCpus } from '../../../src/kernel/bpf/index.ts';
import { bpf as uapi } from '../../../src/kernel/uapi/index.ts';
import { run } from '../../../src/tools/index.ts';
import { mountBpffs } from '../../support/bpffs.ts';
import { Fixtures } from '../../support/compile-bpf.ts';
import { requireKernel, requireRoot } from '../../support/require.ts';

const PACKET = Buffer.alloc(64, 9);
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

test('maps of every type are made as bpftool makes them, with the same types of keys and values', async () => {
  const path = await fixtures.compile('map-types');
  await run(['bpftool', 'prog', 'loadall', path, `${bpffs.path}/programs`, 'pinmaps', `${bpffs.path}/maps`]);
  using object = loadObject(readFileSync(path), 'map-types', { allMaps: true });
  const facts = (map: BpfMap): object => {
    const { id: _id, btfId, offloadIfindex: _offload, ...rest } = map.info();
    return { ...rest, typed: btfId !== 0 };
  };
  expect(object.maps.size).toBe(33);
  for (const [name, map] of object.maps) {
    using theirs = openMap(`${bpffs.path}/maps/${name}`);
    expect(facts(map), name).toEqual(facts(theirs));
  }
  expect(object.map('perf_events').info().maxEntries).toBe(possibleCpus());
});

function openMap(path: string): BpfMap {
  return BpfMap.adopt(openPin(path)!);
}

describe('arrays of programs', () => {
  test('are filled as the object says', async () => {
    using object = loadObject(await fixtures.read('tail-calls'), 'tail-calls');
    using data = object.map('.bss').map({ writable: true });
    const jumpTo = (slot: number): number => {
      data.bytes.writeUInt32LE(slot, 0);
      return object.program('enter').testRun({ data: PACKET }).result;
    };
    expect([0, 1, 2, 3].map(jumpTo)).toEqual([XDP.PASS, XDP.ABORTED, XDP.TX, XDP.ABORTED]);
  });

  test('leave the place of a program free that was not loaded', async () => {
    using object = loadObject(await fixtures.read('tail-calls'), 'tail-calls', { programs: ['enter', 'send_back'] });
    expect([0, 2].map((slot) => object.map('jumps').lookup(indexKey(slot)) !== undefined)).toEqual([false, true]);
  });
});

describe('a map given from outside', () => {
  test('is shared by the programs of two objects', async () => {
    const bytes = await fixtures.read('shared');
    using first = loadObject(bytes, 'shared');
    pin(first.map('sluice_shared').fd, `${bpffs.path}/given`);
    using given = openMap(`${bpffs.path}/given`);
    using second = loadObject(bytes, 'shared', { maps: { sluice_shared: given } });
    first.program('count').testRun({ data: PACKET, repeat: 3 });
    second.program('count').testRun({ data: PACKET, repeat: 4 });
    expect(given.lookup(indexKey(0))!.readBigUInt64LE()).toBe(7n);
    expect(second.map('own').lookup(indexKey(0))!.readBigUInt64LE()).toBe(4n);
  });

  test('must have the size, the flags and the type that the object declares', async () => {
    const bytes = await fixtures.read('shared', '-DENTRIES=17');
    using given = BpfMap.create({ name: 'other', type: uapi.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 8, maxEntries: 16, flags: uapi.BPF_F_MMAPABLE });
    expect(() => loadObject(bytes, 'shared', { maps: { sluice_shared: given } })).toThrow(expect.objectContaining({
      code: 'SL2409', message: 'shared: map sluice_shared has maxEntries 17; the one given has 16', causes: ['and flags 0; the one given has 1024'],
    }));
  });
});

test('an arena has its place before its programs are verified', async () => {
  requireKernel('6.9', 'arenas');
  using object = loadObject(await fixtures.read('arena'), 'arena');
  expect(object.map('pages').info()).toMatchObject({ type: uapi.BPF_MAP_TYPE_ARENA, maxEntries: 16 });
  expect(object.program('allocate').testRun({ data: Buffer.alloc(0), repeat: 0 }).result).toBe(5);
});

describe('tables of functions', () => {
  test('become maps whose programs are their members', async () => {
    using object = loadObject(await fixtures.read('struct-ops'), 'struct-ops');
    expect(object.map('dummy').info()).toMatchObject({ type: uapi.BPF_MAP_TYPE_STRUCT_OPS, keySize: 4, maxEntries: 1, name: 'dummy' });
    expect(object.programs.map(({ kind }) => kind.expectedAttachType)).toEqual([0, 1]);
    expect(object.structOps.get('dummy')).toMatchObject({ usesLink: false });
  });

  test('that a link puts in force are handed over to the kernel, which has checked them', async () => {
    requireKernel('6.4', 'struct_ops links');
    using object = loadObject(await fixtures.read('struct-ops-link'), 'struct-ops-link');
    expect(object.structOps.get('congestion')!.usesLink).toBe(true);
    const { stdout } = await run(['bpftool', '-j', 'struct_ops', 'dump', 'id', String(object.map('congestion').info().id)]);
    expect(stdout).toContain('sluice_fixture');
  });

  test('are left out where none of their programs was chosen', async () => {
    using object = loadObject(await fixtures.read('struct-ops-link'), 'struct-ops-link', { programs: [] });
    expect([object.structOps.size, object.maps.size]).toEqual([0, 0]);
  });

  test('of programs that stand in none are refused', async () => {
    const bytes = await fixtures.read('struct-ops');
    bytes.write('.struct_opq\0', bytes.indexOf('.struct_ops\0'));
    expect(() => loadObject(bytes, 'x')).toThrow(expect.objectContaining({ code: 'SL2412' }));
  });
});

const XDP = { ABORTED: 0, PASS: 2, TX: 3 };
