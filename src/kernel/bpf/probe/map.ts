import { Kind, kernelBtf } from '../../btf/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { BpfMap, type MapSpec } from '../map.ts';
import { loadIntBtf } from './int-btf.ts';
import { attempt, type Feature } from './attempt.ts';

const PAGE = 4096;

/** What differs from a map with keys and values of four bytes and one entry. */
const SHAPES: Readonly<Record<number, Partial<MapSpec>>> = {
  [uapi.BPF_MAP_TYPE_STACK_TRACE]: { valueSize: 8 },
  [uapi.BPF_MAP_TYPE_LPM_TRIE]: { keySize: 8, valueSize: 8, flags: 1 /* BPF_F_NO_PREALLOC */ },
  [uapi.BPF_MAP_TYPE_CGROUP_STORAGE]: { keySize: 16, valueSize: 8, maxEntries: 0 },
  [uapi.BPF_MAP_TYPE_PERCPU_CGROUP_STORAGE]: { keySize: 16, valueSize: 8, maxEntries: 0 },
  [uapi.BPF_MAP_TYPE_QUEUE]: { keySize: 0 },
  [uapi.BPF_MAP_TYPE_STACK]: { keySize: 0 },
  [uapi.BPF_MAP_TYPE_BLOOM_FILTER]: { keySize: 0 },
  [uapi.BPF_MAP_TYPE_RINGBUF]: { keySize: 0, valueSize: 0, maxEntries: PAGE },
  [uapi.BPF_MAP_TYPE_USER_RINGBUF]: { keySize: 0, valueSize: 0, maxEntries: PAGE },
  [uapi.BPF_MAP_TYPE_ARENA]: { keySize: 0, valueSize: 0, maxEntries: 1, flags: uapi.BPF_F_MMAPABLE },
};

const STORAGES: readonly number[] = [
  uapi.BPF_MAP_TYPE_SK_STORAGE, uapi.BPF_MAP_TYPE_INODE_STORAGE, uapi.BPF_MAP_TYPE_TASK_STORAGE, uapi.BPF_MAP_TYPE_CGRP_STORAGE,
];

/** Whether maps of a type can be made, by making one. */
export function probeMap(type: number): Feature {
  if (STORAGES.includes(type)) return probeStorage(type);
  if (type === uapi.BPF_MAP_TYPE_STRUCT_OPS) return probeStructOps();
  if (type === uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS || type === uapi.BPF_MAP_TYPE_HASH_OF_MAPS) return probeOuter(type);
  return attempt(() => BpfMap.create(specOf(type)).close());
}

const specOf = (type: number): MapSpec => ({ name: 'probe', type, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0, ...SHAPES[type] });

function probeOuter(type: number): Feature {
  return attempt(() => {
    using inner = BpfMap.create(specOf(uapi.BPF_MAP_TYPE_ARRAY));
    BpfMap.create(specOf(type), { inner }).close();
  });
}

/** Storages want types of their keys and values. */
function probeStorage(type: number): Feature {
  return attempt(() => {
    using fd = loadIntBtf();
    BpfMap.create({ ...specOf(type), maxEntries: 0, flags: 1 /* BPF_F_NO_PREALLOC */ }, { types: { fd, key: 1, value: 1 } }).close();
  });
}

/** The value is a structure of the kernel, but types of one's own have to come along as well. */
function probeStructOps(): Feature {
  const [id] = kernelBtf().find('bpf_struct_ops_tcp_congestion_ops', Kind.STRUCT);
  if (id === undefined) return { available: false, reason: 'the kernel has no structure for struct_ops' };
  return attempt(() => {
    using fd = loadIntBtf();
    const spec = { ...specOf(uapi.BPF_MAP_TYPE_STRUCT_OPS), valueSize: kernelBtf().sizeOf(id) };
    BpfMap.create(spec, { kernelValueType: id, types: { fd, key: 0, value: 0 } }).close();
  });
}
