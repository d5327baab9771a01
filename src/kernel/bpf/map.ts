import { SyscallError } from '../../lib/errors.ts';
import { Fd, mapShared, type Mapping } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';
import { objectInfo } from './info.ts';

/** What a map is made of; sizes in bytes. */
export interface MapSpec {
  name: string;
  type: number;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: number;
}

/** What the kernel says about a map (`struct bpf_map_info`). */
export interface MapInfo extends MapSpec {
  id: number;
}

/** A map in the kernel; it lives as long as a descriptor, a pin or a program refers to it. */
export class BpfMap {
  readonly fd: Fd;
  readonly spec: MapSpec;

  constructor(fd: Fd, spec: MapSpec) {
    this.fd = fd;
    this.spec = spec;
  }

  /** @throws SyscallError EPERM without CAP_BPF; E2BIG or ENOMEM when it does not fit. @kernel map_create */
  static create(spec: MapSpec): BpfMap {
    const attr = new Attr().u32(0, spec.type).u32(4, spec.keySize).u32(8, spec.valueSize).u32(12, spec.maxEntries).u32(16, spec.flags).name(28, spec.name);
    return new BpfMap(new Fd(attr.call(uapi.BPF_MAP_CREATE, `BPF_MAP_CREATE ${spec.name}`)), spec);
  }

  /** Takes over a descriptor that came from a pin or an id. */
  static adopt(fd: Fd): BpfMap {
    return new BpfMap(fd, mapInfo(fd));
  }

  /** The value, or undefined where the key is absent. */
  lookup(key: Buffer): Buffer | undefined {
    const value = Buffer.alloc(this.spec.valueSize);
    try {
      this.#element(key).pointer(16, value).call(uapi.BPF_MAP_LOOKUP_ELEM, 'BPF_MAP_LOOKUP_ELEM');
      return value;
    } catch (error) {
      if (error instanceof SyscallError && error.errnoName === 'ENOENT') return undefined;
      throw error;
    }
  }

  update(key: Buffer, value: Buffer): void {
    this.#element(key).pointer(16, value).call(uapi.BPF_MAP_UPDATE_ELEM, 'BPF_MAP_UPDATE_ELEM');
  }

  delete(key: Buffer): void {
    this.#element(key).call(uapi.BPF_MAP_DELETE_ELEM, 'BPF_MAP_DELETE_ELEM');
  }

  /** All values of an array map, in the order of their indices. */
  readValues(): Buffer {
    const { maxEntries, valueSize } = this.spec;
    const keys = Buffer.alloc(maxEntries * 4);
    const values = Buffer.alloc(maxEntries * valueSize);
    const next = Buffer.alloc(8);
    const attr = new Attr().pointer(8, next).pointer(16, keys).pointer(24, values).u32(32, maxEntries).u32(36, this.fd.number);
    try {
      attr.call(uapi.BPF_MAP_LOOKUP_BATCH, 'BPF_MAP_LOOKUP_BATCH');
    } catch (error) {
      // ENOENT says "that was the last one", with everything filled in.
      if (!(error instanceof SyscallError && error.errnoName === 'ENOENT')) throw error;
    }
    return values;
  }

  /** Maps the values of an array that was created with BPF_F_MMAPABLE. */
  map({ writable }: { writable: boolean }): Mapping {
    const length = Math.ceil((this.spec.maxEntries * Math.ceil(this.spec.valueSize / 8) * 8) / 4096) * 4096;
    return mapShared(this.fd, length, { writable });
  }

  /** Forbids changes from user space for good. @throws SyscallError EBUSY while a writable mapping exists. */
  freeze(): void {
    new Attr().u32(0, this.fd.number).call(uapi.BPF_MAP_FREEZE, 'BPF_MAP_FREEZE');
  }

  close(): void {
    this.fd.close();
  }

  #element(key: Buffer): Attr {
    return new Attr().u32(0, this.fd.number).pointer(8, key);
  }
}

/** A 32-bit array index as a key. */
export function indexKey(index: number): Buffer {
  const key = Buffer.alloc(4);
  key.writeUInt32LE(index);
  return key;
}

function mapInfo(fd: Fd): MapInfo {
  const info = objectInfo(fd, 80);
  return {
    type: info.readUInt32LE(0),
    id: info.readUInt32LE(4),
    keySize: info.readUInt32LE(8),
    valueSize: info.readUInt32LE(12),
    maxEntries: info.readUInt32LE(16),
    flags: info.readUInt32LE(20),
    name: info.toString('latin1', 24, 40).replace(/\0.*$/s, ''),
  };
}
