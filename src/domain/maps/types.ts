/** What each type of map is and can do. Names are the kernel's, as bpftool writes them. */

/** What users do with entries. */
export type Verb = 'dump' | 'lookup' | 'set' | 'delete' | 'watch';

/** How keys of a type are named where they are no plain bytes. */
export type KeyKind = 'bytes' | 'none' | 'task' | 'socket' | 'inode' | 'cgroup';

/** What a value is where it is no plain bytes: the number of a kernel object, put in by a descriptor. */
export type ValueKind = 'bytes' | 'program' | 'map' | 'cgroup' | 'socket' | 'device' | 'cpu-queue' | 'stack';

export interface MapTypeTraits {
  key: KeyKind;
  value: ValueKind;
  perCpu: boolean;
  /** Verbs that the type refuses, each with the reason. */
  refuses: Readonly<Partial<Record<Verb, string>>>;
}

const plain = (changes: Partial<MapTypeTraits> = {}): MapTypeTraits => ({ key: 'bytes', value: 'bytes', perCpu: false, refuses: {}, ...changes });

const NEVER_DELETED = { delete: 'its entries are always there; set one to zero instead' };
const ONE_BY_ONE = 'an entry only comes out by being taken away';
const UNREADABLE = (what: string): string => `the kernel does not tell which ${what} stands where`;
const all = (reason: string): MapTypeTraits['refuses'] => ({ dump: reason, lookup: reason, set: reason, delete: reason, watch: reason });
const storage = (key: KeyKind, what: string, how: string): MapTypeTraits => {
  const why = `its values are kept with each ${what}, and the kernel has no list of them; look one up with ${how}`;
  return plain({ key, refuses: { dump: why, watch: why } });
};

const TRAITS: Readonly<Record<string, MapTypeTraits>> = {
  hash: plain(),
  lru_hash: plain(),
  lpm_trie: plain(),
  percpu_hash: plain({ perCpu: true }),
  lru_percpu_hash: plain({ perCpu: true }),
  array: plain({ refuses: NEVER_DELETED }),
  percpu_array: plain({ perCpu: true, refuses: NEVER_DELETED }),
  prog_array: plain({ value: 'program' }),
  array_of_maps: plain({ value: 'map' }),
  hash_of_maps: plain({ value: 'map' }),
  perf_event_array: plain({ refuses: {
    dump: UNREADABLE('perf event'), lookup: UNREADABLE('perf event'), watch: UNREADABLE('perf event'),
    set: 'a perf event ends with the process that opened it; `bpf map events` opens them while it reads',
  } }),
  cgroup_array: plain({ value: 'cgroup', refuses: { dump: UNREADABLE('cgroup'), lookup: UNREADABLE('cgroup'), watch: UNREADABLE('cgroup') } }),
  stack_trace: plain({ value: 'stack', refuses: { set: 'only programs put stacks in' } }),
  devmap: plain({ value: 'device' }),
  devmap_hash: plain({ value: 'device' }),
  cpumap: plain({ value: 'cpu-queue' }),
  sockmap: plain({ value: 'socket' }),
  sockhash: plain({ value: 'socket' }),
  reuseport_sockarray: plain({ value: 'socket' }),
  xskmap: plain({ value: 'socket', refuses: { dump: UNREADABLE('AF_XDP socket'), lookup: UNREADABLE('AF_XDP socket'), watch: UNREADABLE('AF_XDP socket') } }),
  cgroup_storage: plain({ refuses: { delete: 'an entry lives as long as the program is attached to the cgroup' } }),
  percpu_cgroup_storage: plain({ perCpu: true, refuses: { delete: 'an entry lives as long as the program is attached to the cgroup' } }),
  queue: plain({ key: 'none', refuses: { dump: `${ONE_BY_ONE}; \`bpf map lookup\` shows the next, \`bpf map delete\` takes it`, watch: ONE_BY_ONE } }),
  stack: plain({ key: 'none', refuses: { dump: `${ONE_BY_ONE}; \`bpf map lookup\` shows the next, \`bpf map delete\` takes it`, watch: ONE_BY_ONE } }),
  bloom_filter: plain({ key: 'none', refuses: {
    dump: 'it only answers whether a value was put in: `bpf map lookup REF VALUE`', watch: 'it only answers whether a value was put in', delete: 'a bloom filter never forgets a value',
  } }),
  sk_storage: storage('socket', 'socket', 'PID/FD'),
  task_storage: storage('task', 'task', 'a PID'),
  inode_storage: storage('inode', 'inode', 'a path'),
  cgrp_storage: storage('cgroup', 'cgroup', 'the path of a cgroup'),
  struct_ops: plain({ refuses: { set: 'the kernel calls these functions; load an object to set them', delete: 'end its link instead: `bpf link detach`' } }),
  ringbuf: plain({ key: 'none', refuses: all('it is a stream of records; follow it with `bpf map events`') }),
  user_ringbuf: plain({ key: 'none', refuses: all('programs alone read it, and user space writes it through memory that it maps') }),
  arena: plain({ key: 'none', refuses: all('it is memory that programs share, without entries') }),
};

/** Traits of a type; one that is newer than this list is taken for a plain map, and the kernel has the word. */
export const traitsOf = (type: string): MapTypeTraits => TRAITS[type] ?? plain();

/** Types that are known. */
export const knownTypes = (): string[] => Object.keys(TRAITS);

/** Types whose records `bpf map events` follows. */
export const STREAM_TYPES: readonly string[] = ['ringbuf', 'perf_event_array'];
