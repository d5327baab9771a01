import { SyscallError } from '../../lib/errors.ts';
import { Fd, mapShared, type Mapping } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';
import { possibleCpus } from './cpus.ts';
import { cString, fdinfoNumber, memoryBytes, objectInfo } from './info.ts';
import { readChunks, readChunksAhead, updateBatch, type Chunk, type UpdateOutcome } from './map-batch.ts';

/** What a map is made of; sizes in bytes. */
export interface MapSpec {
  name: string;
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  /** BPF_F_* of BPF_MAP_CREATE */
  flags: number;
  /** Meaning depends on the type: hash functions of a bloom filter, address of an arena. */
  extra?: bigint;
  /** Memory node, with BPF_F_NUMA_NODE. */
  numaNode?: number;
}

/** What only matters while a map is made. */
export interface MapCreation {
  /** For an array or hash of maps: a map like those that go in. */
  inner?: BpfMap;
  /** Types of keys and values, so that others can print them; ids are of the BTF object in `fd`. */
  types?: { fd: Fd; key: number; value: number };
  /** For struct_ops: type of the value in the kernel's own BTF. */
  kernelValueType?: number;
}

/** What the kernel says about a map (`struct bpf_map_info`). */
export interface MapInfo extends MapSpec {
  id: number;
  /** Types of keys and values, which are ids in BTF object `btfId`; 0 without them. */
  btfId: number;
  keyType: number;
  valueType: number;
  /** Type of the values in the kernel's own BTF, for struct_ops; 0 for others. */
  kernelValueType: number;
  /** The interface whose hardware holds it; 0 for none. */
  offloadIfindex: number;
}

const PER_CPU = new Set([
  uapi.BPF_MAP_TYPE_PERCPU_HASH, uapi.BPF_MAP_TYPE_PERCPU_ARRAY, uapi.BPF_MAP_TYPE_LRU_PERCPU_HASH, uapi.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE,
]);

/**
 * A map in the kernel, by a descriptor that this object owns; it lives as long as a descriptor, a pin or a program refers to
 * it.
 */
export class BpfMap {
  readonly fd: Fd;
  readonly spec: MapSpec;

  constructor(fd: Fd, spec: MapSpec) {
    this.fd = fd;
    this.spec = spec;
  }

  /**
   * @throws SyscallError EPERM without CAP_BPF; EINVAL for what the type does not take; E2BIG or ENOMEM when it does not fit.
   * @kernel map_create
   */
  static create(spec: MapSpec, { inner, types, kernelValueType }: MapCreation = {}): BpfMap {
    const attr = new Attr()
      .u32(0, spec.type).u32(4, spec.keySize).u32(8, spec.valueSize).u32(12, spec.maxEntries).u32(16, spec.flags)
      .u32(24, spec.numaNode ?? 0).name(28, spec.name).u32(60, kernelValueType ?? 0).u64(64, spec.extra ?? 0n);
    if (inner !== undefined) attr.u32(20, inner.fd.number);
    if (types !== undefined) attr.u32(48, types.fd.number).u32(52, types.key).u32(56, types.value);
    return new BpfMap(new Fd(attr.call(uapi.BPF_MAP_CREATE, `BPF_MAP_CREATE ${spec.name}`)), spec);
  }

  /** Takes over a descriptor that came from a pin or an id. */
  static adopt(fd: Fd): BpfMap {
    return new BpfMap(fd, mapInfo(fd));
  }

  /** Bytes of a value as user space sees it: for per-CPU types one for each possible CPU, each rounded up to 8. */
  get valueBytes(): number {
    const { type, valueSize } = this.spec;
    return PER_CPU.has(type) ? roundUp(valueSize, 8) * possibleCpus() : valueSize;
  }

  /** The value, or undefined where the key is absent. For a map of maps it is the id of the inner one. */
  lookup(key: Buffer): Buffer | undefined {
    const value = Buffer.alloc(this.valueBytes);
    const attr = this.#element(key).pointer(16, value);
    return unlessAbsent(() => attr.call(uapi.BPF_MAP_LOOKUP_ELEM, 'BPF_MAP_LOOKUP_ELEM')) === undefined ? undefined : value;
  }

  /**
   * Sets a value; `flags` are BPF_NOEXIST, BPF_EXIST. Arrays of programs or maps take a descriptor's number.
   *
   * @throws SyscallError E2BIG when full or past the end; EEXIST, ENOENT against the flags.
   */
  update(key: Buffer, value: Buffer, flags = 0n): void {
    this.#element(key, value).pointer(16, value).u64(24, flags).call(uapi.BPF_MAP_UPDATE_ELEM, 'BPF_MAP_UPDATE_ELEM');
  }

  /** @throws SyscallError ENOENT where the key is absent; EINVAL for arrays. */
  delete(key: Buffer): void {
    this.#element(key).call(uapi.BPF_MAP_DELETE_ELEM, 'BPF_MAP_DELETE_ELEM');
  }

  /**
   * Whether a bloom filter may have the value: it then says yes, and no only when it was never put in.
   */
  mayHave(value: Buffer): boolean {
    const attr = this.#element(Buffer.alloc(0), value).pointer(16, value);
    return unlessAbsent(() => attr.call(uapi.BPF_MAP_LOOKUP_ELEM, 'BPF_MAP_LOOKUP_ELEM')) !== undefined;
  }

  /** Takes an entry out and returns its value; undefined when it is absent, or a queue or stack is empty. */
  take(key: Buffer): Buffer | undefined {
    const value = Buffer.alloc(this.valueBytes);
    const attr = this.#element(key).pointer(16, value);
    return unlessAbsent(() => attr.call(uapi.BPF_MAP_LOOKUP_AND_DELETE_ELEM, 'BPF_MAP_LOOKUP_AND_DELETE_ELEM')) === undefined ? undefined : value;
  }

  /** The key after this one, the first without one; undefined at the end. A key that is gone starts over. */
  nextKey(key?: Buffer): Buffer | undefined {
    const next = Buffer.alloc(this.spec.keySize);
    const attr = (key === undefined ? new Attr().u32(0, this.fd.number) : this.#element(key)).pointer(16, next);
    return unlessAbsent(() => attr.call(uapi.BPF_MAP_GET_NEXT_KEY, 'BPF_MAP_GET_NEXT_KEY')) === undefined ? undefined : next;
  }

  /**
   * All entries, many with each call. Keys and values of a chunk lie one after the other and are overwritten by the next.
   *
   * Where others change the map meanwhile, entries may be missing or come twice.
   */
  chunks(entries?: number): Generator<Chunk> {
    return readChunks(this, entries);
  }

  /** The same with the next chunk read in another thread meanwhile; a chunk is valid until the one after is asked for. */
  chunksAhead(entries?: number): AsyncGenerator<Chunk> {
    return readChunksAhead(this, entries);
  }

  /** Sets `count` entries whose keys and values lie one after the other. @throws SyscallError like `update`; those before stay. */
  updateMany(keys: Buffer, values: Buffer, count: number): void {
    const { error } = updateBatch(this, keys, values, count);
    if (error !== undefined) throw error;
  }

  /** The same, and tells how far it came where the kernel refuses one. */
  updateSome(keys: Buffer, values: Buffer, count: number): UpdateOutcome {
    return updateBatch(this, keys, values, count);
  }

  /** All values of an array map, in the order of their indices. */
  readValues(): Buffer {
    const [all] = this.chunks(this.spec.maxEntries);
    return all!.values;
  }

  /**
   * Maps the values of an array that was created with BPF_F_MMAPABLE, each rounded up to 8 bytes.
   *
   * @throws SyscallError EPERM for writing to a frozen one. @kernel array_map_mmap
   */
  map({ writable }: { writable: boolean }): Mapping {
    const length = roundUp(this.spec.maxEntries * roundUp(this.spec.valueSize, 8), 4096);
    return mapShared(this.fd, length, { writable });
  }

  /** Forbids changes from user space for good. @throws SyscallError EBUSY while a writable mapping exists. */
  freeze(): void {
    new Attr().u32(0, this.fd.number).call(uapi.BPF_MAP_FREEZE, 'BPF_MAP_FREEZE');
  }

  info(): MapInfo {
    return mapInfo(this.fd);
  }

  /** Bytes of kernel memory. */
  memoryBytes(): number {
    return memoryBytes(this.fd);
  }

  /** Whether changes from user space are forbidden. */
  isFrozen(): boolean {
    return fdinfoNumber(`/proc/self/fdinfo/${this.fd.number}`, 'frozen') === 1;
  }

  close(): void {
    this.fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  /** The kernel reads as many bytes as the map says: a shorter Buffer would give it foreign memory. */
  #element(key: Buffer, value?: Buffer): Attr {
    const { name, keySize } = this.spec;
    if (key.length !== keySize) throw new RangeError(`map ${name} has keys of ${keySize} bytes, not ${key.length}`);
    if (value !== undefined && value.length !== this.valueBytes)
      throw new RangeError(`map ${name} has values of ${this.valueBytes} bytes, not ${value.length}`);
    const attr = new Attr().u32(0, this.fd.number);
    return keySize === 0 ? attr : attr.pointer(8, key);
  }
}

/** A 32-bit array index as a key, or a descriptor's number as a value. */
export function indexKey(index: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(index);
  return key;
}

/** What the kernel answers, or undefined for ENOENT. */
export function unlessAbsent(work: () => number): number | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof SyscallError && error.errnoName === 'ENOENT') return undefined;
    throw error;
  }
}

const roundUp = (value: number, unit: number): number => Math.ceil(value / unit) * unit;

/** What the kernel says about the map behind a descriptor. */
export function mapInfo(fd: Fd): MapInfo {
  const info = objectInfo(fd, 88);
  return {
    type: info.readUInt32LE(0),
    id: info.readUInt32LE(4),
    keySize: info.readUInt32LE(8),
    valueSize: info.readUInt32LE(12),
    maxEntries: info.readUInt32LE(16),
    flags: info.readUInt32LE(20),
    name: cString(info.subarray(24, 40)),
    offloadIfindex: info.readUInt32LE(40),
    extra: info.readBigUInt64LE(80),
    btfId: info.readUInt32LE(64),
    keyType: info.readUInt32LE(68),
    valueType: info.readUInt32LE(72),
    kernelValueType: info.readUInt32LE(44),
  };
}
