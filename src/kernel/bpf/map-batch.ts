/** Many entries of a map with one system call, and one by one for types and kernels that cannot. */

import { SyscallError } from '../../lib/errors.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';
import type { BpfMap } from './map.ts';

/** `count` entries; key i starts at `i * keySize`, value i at `i * valueBytes`. */
export interface Chunk {
  keys: Buffer;
  values: Buffer;
  count: number;
}

const ENTRIES = 65_536;
const FIRST_ENTRIES = 1024;

/** Reads all entries, `entries` at a time; the Buffers of a chunk are used again for the next. */
export function* readChunks(map: BpfMap, entries: number = ENTRIES): Generator<Chunk> {
  let space = allocate(map, Math.min(entries, map.spec.maxEntries));
  for (let first = true; ; ) {
    const outcome = lookupBatch(map, space, first);
    if (outcome === 'unsupported') return yield* readSingly(map, space);
    if (outcome === 'too small') {
      space = grow(map, space);
      continue;
    }
    if (outcome.count > 0) yield cut(map, space, outcome.count);
    if (outcome.last) return;
    first = false;
  }
}

/**
 * Reads all entries like `readChunks`, and the next chunk in another thread while the caller works on one; the first at once. The
 * Buffers of a chunk are valid until the one after is asked for. Large hash maps are read in two halves at once.
 */
export function readChunksAhead(map: BpfMap, entries: number = ENTRIES): AsyncGenerator<Chunk> {
  const most = Math.min(entries, map.spec.maxEntries);
  const middle = middleBucket(map);
  const whole = begin(map, Math.min(most, FIRST_ENTRIES));
  return middle === undefined ? followChunks(map, whole, most) : followHalves(map, whole, begin(map, most, middle), most, middle);
}

/** A read that is under way, and where it goes. */
interface Reading {
  space: Space;
  outcome: Promise<Outcome>;
  /** It starts where the kernel does. */
  fromStart: boolean;
}

/** Starts to read, at a bucket of a hash map or at the beginning. */
function begin(map: BpfMap, entries: number, bucket?: number): Reading {
  const space = allocate(map, entries);
  if (bucket !== undefined) space.position.writeUInt32LE(bucket);
  const outcome = lookupAhead(map, space, bucket === undefined);
  // Whoever never asks for it is not to be bothered with its failure.
  outcome.catch(() => undefined);
  return { space, outcome, fromStart: bucket === undefined };
}

/**
 * Chunks double until they have `most` entries: code that has just started is slow, and the next read waits for it. Ends behind
 * the chunk that reaches bucket `end`.
 */
async function* followChunks(map: BpfMap, { space: begun, outcome: begunRead, fromStart }: Reading, most: number, end = Infinity): AsyncGenerator<Chunk> {
  let space = begun;
  let spare: Space = { ...allocate(map, 0), position: space.position };
  let reading = begunRead;
  try {
    for (let first = fromStart; ; ) {
      const outcome = await reading;
      if (outcome === 'unsupported') return yield* readSingly(map, space);
      if (outcome === 'too small') {
        space = grow(map, space);
        reading = lookupAhead(map, space, first);
        continue;
      }
      first = false;
      const last = outcome.last || (end !== Infinity && space.position.readUInt32LE() >= end);
      [space, spare] = [spare, space];
      if (space.entries < Math.max(most, spare.entries)) space = { ...allocate(map, Math.max(spare.entries, Math.min(most, spare.entries * 2))), position: space.position };
      if (!last) reading = lookupAhead(map, space, false);
      if (outcome.count > 0) yield cut(map, spare, outcome.count);
      if (last) return;
    }
  } finally {
    // Where the caller stops early, the kernel may still be writing into our Buffers.
    await reading.catch(() => undefined);
  }
}

/** Types whose batches are whole buckets, and whose position is the number of the next one. @kernel __htab_map_lookup_and_delete_batch */
const BUCKETED = new Set([uapi.BPF_MAP_TYPE_HASH, uapi.BPF_MAP_TYPE_LRU_HASH, uapi.BPF_MAP_TYPE_PERCPU_HASH, uapi.BPF_MAP_TYPE_LRU_PERCPU_HASH]);
/** Smaller maps are read sooner than a second reader pays. */
const LEAST_HALVED = 131_072;

/** About half of the buckets, of which there is a power of two for `maxEntries`; undefined where the map is not to be halved. */
function middleBucket({ spec: { type, maxEntries } }: BpfMap): number | undefined {
  return BUCKETED.has(type) && maxEntries >= LEAST_HALVED ? 2 ** (Math.ceil(Math.log2(maxEntries)) - 1) : undefined;
}

/** Chunks of both halves in turns, so that the order is the same each time. */
async function* followHalves(map: BpfMap, begun: Reading, behind: Reading, most: number, middle: number): AsyncGenerator<Chunk> {
  const lower = followChunks(map, begun, most, middle);
  const upper = followChunks(map, behind, most);
  try {
    let [low, high] = await Promise.all([lower.next(), upper.next()]);
    const seam = high.done === true ? undefined : Buffer.from(high.value.keys.subarray(0, map.spec.keySize));
    while (low.done !== true || high.done !== true) {
      if (low.done !== true) {
        yield before(seam, low.value);
        low = await lower.next();
      }
      if (high.done !== true) {
        yield high.value;
        high = await upper.next();
      }
    }
  } finally {
    await Promise.all([lower.return(undefined), upper.return(undefined)]);
  }
}

/** The entries before that with key `seam`, where the chunk reaches into the other half; all of them elsewhere. */
function before(seam: Buffer | undefined, chunk: Chunk): Chunk {
  if (seam === undefined) return chunk;
  let at = chunk.keys.indexOf(seam);
  while (at % seam.length > 0) at = chunk.keys.indexOf(seam, at + 1);
  if (at < 0) return chunk;
  const count = at / seam.length;
  return { keys: chunk.keys.subarray(0, at), values: chunk.values.subarray(0, (chunk.values.length / chunk.count) * count), count };
}

interface Space {
  entries: number;
  keys: Buffer;
  values: Buffer;
  /** Where the kernel goes on: a key, or a number of its own. */
  position: Buffer;
}

const allocate = (map: BpfMap, entries: number): Space => ({
  entries,
  keys: Buffer.allocUnsafe(entries * map.spec.keySize),
  values: Buffer.allocUnsafe(entries * map.valueBytes),
  position: Buffer.alloc(Math.max(8, map.spec.keySize)),
});

/** A larger one that goes on at the same position. */
const grow = (map: BpfMap, { entries, position }: Space): Space => ({ ...allocate(map, entries * 2), position });

type Outcome = { count: number; last: boolean } | 'unsupported' | 'too small';

function lookupBatch(map: BpfMap, space: Space, first: boolean): Outcome {
  const attr = batchAttr(map, space, first);
  try {
    attr.call(uapi.BPF_MAP_LOOKUP_BATCH, 'BPF_MAP_LOOKUP_BATCH');
    return { count: attr.bytes.readUInt32LE(32), last: false };
  } catch (error) {
    return judge(error, attr, first);
  }
}

async function lookupAhead(map: BpfMap, space: Space, first: boolean): Promise<Outcome> {
  const attr = batchAttr(map, space, first);
  try {
    await attr.callAsync(uapi.BPF_MAP_LOOKUP_BATCH, 'BPF_MAP_LOOKUP_BATCH');
    return { count: attr.bytes.readUInt32LE(32), last: false };
  } catch (error) {
    return judge(error, attr, first);
  }
}

function batchAttr(map: BpfMap, { entries, keys, values, position }: Space, first: boolean): Attr {
  const attr = new Attr().pointer(8, position).pointer(16, keys).pointer(24, values).u32(32, entries).u32(36, map.fd.number);
  return first ? attr : attr.pointer(0, position);
}

/** What a refused batch means. */
function judge(error: unknown, attr: Attr, first: boolean): Outcome {
  if (first && isUnsupported(error)) return 'unsupported';
  // A hash map hands out whole buckets only.
  if (isErrno(error, 'ENOSPC')) return 'too small';
  // ENOENT says "that was the last chunk", and the chunk is valid.
  if (isErrno(error, 'ENOENT')) return { count: attr.bytes.readUInt32LE(32), last: true };
  throw error;
}

function* readSingly(map: BpfMap, space: Space): Generator<Chunk> {
  let count = 0;
  // Behind a key that was deleted meanwhile the kernel starts over; a map that is always changed must not keep us for ever.
  let left = map.spec.maxEntries * 2;
  for (let key = map.nextKey(); key !== undefined && left-- > 0; key = map.nextKey(key)) {
    const value = map.lookup(key);
    // Deleted since its key was read.
    if (value === undefined) continue;
    key.copy(space.keys, count * key.length);
    value.copy(space.values, count * value.length);
    if (++count < space.entries) continue;
    yield cut(map, space, count);
    count = 0;
  }
  if (count > 0) yield cut(map, space, count);
}

const cut = (map: BpfMap, { keys, values }: Space, count: number): Chunk => ({
  keys: keys.subarray(0, count * map.spec.keySize), values: values.subarray(0, count * map.valueBytes), count,
});

/** How many entries were set, and why no more. */
export interface UpdateOutcome {
  done: number;
  error?: SyscallError;
}

/** Sets `count` entries, as far as the kernel takes them. */
export function updateBatch(map: BpfMap, keys: Buffer, values: Buffer, count: number): UpdateOutcome {
  const { keySize } = map.spec;
  if (keys.length < count * keySize || values.length < count * map.valueBytes) throw new RangeError(`fewer than ${count} entries for map ${map.spec.name}`);
  const attr = new Attr().pointer(16, keys).pointer(24, values).u32(32, count).u32(36, map.fd.number);
  try {
    attr.call(uapi.BPF_MAP_UPDATE_BATCH, 'BPF_MAP_UPDATE_BATCH');
    return { done: count };
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return isUnsupported(error) ? updateSingly(map, keys, values, count) : { done: attr.bytes.readUInt32LE(32), error };
  }
}

function updateSingly(map: BpfMap, keys: Buffer, values: Buffer, count: number): UpdateOutcome {
  const { keySize } = map.spec;
  for (let i = 0; i < count; i++) {
    try {
      map.update(keys.subarray(i * keySize, (i + 1) * keySize), values.subarray(i * map.valueBytes, (i + 1) * map.valueBytes));
    } catch (error) {
      if (error instanceof SyscallError) return { done: i, error };
      throw error;
    }
  }
  return { done: count };
}

/** EINVAL: before Linux 5.6 there was no such command. */
const isUnsupported = (error: unknown): boolean =>
  isErrno(error, 'ENOTSUPP') || isErrno(error, 'EOPNOTSUPP') || isErrno(error, 'EINVAL');

const isErrno = (error: unknown, name: string): boolean => error instanceof SyscallError && error.errnoName === name;
