import { beforeAll, describe, expect, test } from 'vitest';
import { BpfMap, BpfProgram, indexKey, objectIds, openById, possibleCpus, type MapSpec } from '../../../src/kernel/bpf/index.ts';
import { bpf as uapi } from '../../../src/kernel/uapi/index.ts';
import { run } from '../../../src/tools/index.ts';
import { requireRoot } from '../../support/require.ts';

beforeAll(requireRoot);

const spec = (changes: Partial<MapSpec>): MapSpec => ({
  name: 'test_map', type: uapi.BPF_MAP_TYPE_HASH, keySize: 4, valueSize: 8, maxEntries: 1000, flags: 0, ...changes,
});
const value = (number: number | bigint): Buffer => Buffer.from(BigUint64Array.of(BigInt(number)).buffer);

describe('a hash map', () => {
  test('holds what was put in, until it is deleted', () => {
    using map = BpfMap.create(spec({}));
    expect(map.lookup(indexKey(5))).toBeUndefined();
    map.update(indexKey(5), value(50));
    expect(map.lookup(indexKey(5))).toEqual(value(50));
    map.delete(indexKey(5));
    expect(map.lookup(indexKey(5))).toBeUndefined();
    expect(() => map.delete(indexKey(5))).toThrow('ENOENT');
  });

  test('refuses more than it has room for', () => {
    using map = BpfMap.create(spec({ maxEntries: 1 }));
    map.update(indexKey(1), value(1));
    expect(() => map.update(indexKey(2), value(2))).toThrow('bpf(BPF_MAP_UPDATE_ELEM): E2BIG');
  });

  test('never gets a Buffer of the wrong size: the kernel would read behind it', () => {
    using map = BpfMap.create(spec({}));
    expect(() => map.update(Buffer.alloc(3), value(1))).toThrow('keys of 4 bytes, not 3');
    expect(() => map.update(indexKey(1), Buffer.alloc(4))).toThrow('values of 8 bytes, not 4');
    expect(() => map.lookup(Buffer.alloc(0))).toThrow('keys of 4 bytes');
    expect(() => map.updateMany(Buffer.alloc(8), Buffer.alloc(16), 3)).toThrow('fewer than 3 entries');
  });

  test.each([1000, 16, 1])('is read whole in chunks of %i', (chunk) => {
    using map = BpfMap.create(spec({}));
    const numbers = Array.from({ length: 700 }, (_, i) => i);
    map.updateMany(Buffer.concat(numbers.map(indexKey)), Buffer.concat(numbers.map((n) => value(n * 3))), 700);
    expect(entries(map, chunk)).toEqual(numbers.map((n) => [n, BigInt(n * 3)]));
  });

  test('that is empty has no entries and no first key', () => {
    using map = BpfMap.create(spec({}));
    expect(entries(map, 10)).toEqual([]);
    expect(map.nextKey()).toBeUndefined();
  });
});

describe('a large hash map, which is read in two halves at once', () => {
  const LARGE = 150_000;

  test.each([
    ['hash', uapi.BPF_MAP_TYPE_HASH], ['LRU hash', uapi.BPF_MAP_TYPE_LRU_HASH], ['per-CPU hash', uapi.BPF_MAP_TYPE_PERCPU_HASH],
  ])('has each entry once: %s', async (_, type) => {
    using map = BpfMap.create(spec({ type, maxEntries: LARGE * 2 }));
    for (const [count, chunk] of [[0, 64], [1, 64], [2, 64], [100, 8], [LARGE, 4096], [LARGE, 100_000]] as const) {
      fill(map, count);
      const read: [number, bigint][] = [];
      for await (const { keys, values, count: found } of map.chunksAhead(chunk))
        for (let i = 0; i < found; i++) read.push([keys.readUInt32LE(i * 4), values.readBigUInt64LE(i * map.valueBytes)]);
      expect(read.length, `of ${count} by ${chunk}`).toBe(count);
      expect(read.sort(([a], [b]) => a - b)).toEqual(Array.from({ length: count }, (__, n) => [n, BigInt(n)]));
    }
  });

  test('may be left before its end', async () => {
    using map = BpfMap.create(spec({ maxEntries: LARGE }));
    fill(map, 5000);
    for await (const { count } of map.chunksAhead(64)) {
      expect(count).toBeGreaterThan(0);
      break;
    }
  });

  /** Keys count from 0, and each value is its key. */
  function fill(map: BpfMap, count: number): void {
    const [keys, values] = [Buffer.alloc(count * 4), Buffer.alloc(count * map.valueBytes)];
    for (let n = 0; n < count; n++) {
      keys.writeUInt32LE(n, n * 4);
      values.writeBigUInt64LE(BigInt(n), n * map.valueBytes);
    }
    if (count > 0) map.updateMany(keys, values, count);
  }
});

test('a type without batch calls is read entry by entry: a program array, of which slots are empty', () => {
  using program = BpfProgram.load({
    name: 'zero', type: uapi.BPF_PROG_TYPE_XDP, expectedAttachType: 0, instructions: Buffer.from('b7000000000000009500000000000000', 'hex'), license: '',
  });
  using map = BpfMap.create(spec({ type: uapi.BPF_MAP_TYPE_PROG_ARRAY, valueSize: 4, maxEntries: 5 }));
  map.updateMany(Buffer.concat([1, 4].map(indexKey)), Buffer.concat([1, 4].map(() => indexKey(program.fd.number))), 2);
  const found = [...map.chunks(1)].map(({ keys, values }) => [keys.readUInt32LE(), values.readUInt32LE()]);
  expect(found.length).toBe(2);
  expect([...map.chunks()].map(({ keys, values, count }) => [count, keys.toString('hex'), values.readUInt32LE(4)])).toEqual([
    [2, '0100000004000000', program.info().id],
  ]);
});

describe('an array', () => {
  test('gives all values in one Buffer, in order', () => {
    using map = BpfMap.create(spec({ type: uapi.BPF_MAP_TYPE_ARRAY, maxEntries: 3 }));
    map.update(indexKey(0), value(7));
    map.update(indexKey(2), value(9));
    expect(map.readValues()).toEqual(Buffer.concat([value(7), value(0), value(9)]));
    expect(() => map.update(indexKey(3), value(1))).toThrow('E2BIG');
  });

  test('can be mapped, and then frozen for good', () => {
    using map = BpfMap.create(spec({ type: uapi.BPF_MAP_TYPE_ARRAY, maxEntries: 1, valueSize: 100_000, flags: uapi.BPF_F_MMAPABLE }));
    {
      using writable = map.map({ writable: true });
      writable.bytes.write('written through memory', 99_000);
      expect(() => map.freeze()).toThrow('EBUSY');
    }
    map.freeze();
    expect(map.lookup(indexKey(0))!.toString('latin1', 99_000, 99_022)).toBe('written through memory');
    using readable = map.map({ writable: false });
    expect(readable.bytes.toString('latin1', 99_000, 99_022)).toBe('written through memory');
    expect(() => map.map({ writable: true })).toThrow('mmap: EPERM');
    expect(() => map.update(indexKey(0), Buffer.alloc(100_000))).toThrow('EPERM');
  });
});

test('a per-CPU array has a value for each possible CPU', () => {
  using map = BpfMap.create(spec({ type: uapi.BPF_MAP_TYPE_PERCPU_ARRAY, maxEntries: 2, valueSize: 4 }));
  const perCpu = Buffer.alloc(8 * possibleCpus());
  for (let cpu = 0; cpu < possibleCpus(); cpu++) perCpu.writeUInt32LE(100 + cpu, cpu * 8);
  map.update(indexKey(1), perCpu);
  expect(map.lookup(indexKey(1))).toEqual(perCpu);
  expect(map.readValues()).toEqual(Buffer.concat([Buffer.alloc(perCpu.length), perCpu]));
});

test('an array of maps holds maps like the one it was made with', () => {
  using first = BpfMap.create(spec({ name: 'first' }));
  using outer = BpfMap.create(spec({ type: uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS, valueSize: 4, maxEntries: 2 }), { inner: first });
  outer.update(indexKey(1), indexKey(first.fd.number));
  expect(outer.lookup(indexKey(1))).toEqual(indexKey(first.info().id));
  using other = BpfMap.create(spec({ valueSize: 16 }));
  expect(() => outer.update(indexKey(0), indexKey(other.fd.number))).toThrow('EINVAL');
});

test('the kernel, bpftool and the list of ids say the same of a map', async () => {
  using map = BpfMap.create(spec({ name: 'a name that is too long', maxEntries: 77 }));
  const info = map.info();
  expect(info).toMatchObject({ name: 'a_name_that_is_', type: uapi.BPF_MAP_TYPE_HASH, keySize: 4, valueSize: 8, maxEntries: 77, flags: 0 });
  const { stdout } = await run(['bpftool', '-j', 'map', 'show', 'id', String(info.id)]);
  expect(JSON.parse(stdout)).toMatchObject({ name: info.name, max_entries: 77, bytes_memlock: map.memoryBytes() });
  expect([...objectIds('map')]).toContain(info.id);
  using again = openById('map', info.id)!;
  map.update(indexKey(1), value(11));
  expect(BpfMap.adopt(again).lookup(indexKey(1))).toEqual(value(11));
  expect(openById('map', 0xffff_fff0)).toBeUndefined();
});

test('what the kernel does not take is refused with its own word', () => {
  expect(() => BpfMap.create(spec({ keySize: 0 }))).toThrow('bpf(BPF_MAP_CREATE test_map): EINVAL');
  expect(() => BpfMap.create(spec({ maxEntries: 2 ** 33 }))).toThrow(RangeError);
});

function entries(map: BpfMap, chunk: number): [number, bigint][] {
  const all: [number, bigint][] = [];
  for (const { keys, values, count } of map.chunks(chunk))
    for (let i = 0; i < count; i++) all.push([keys.readUInt32LE(i * 4), values.readBigUInt64LE(i * 8)]);
  return all.sort(([a], [b]) => a - b);
}
