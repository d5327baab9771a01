import { bpf as uapi } from '../uapi/index.ts';

/** `sched_cls` for BPF_PROG_TYPE_SCHED_CLS, as bpftool writes it; `type 99` for one that is newer than this list. */
export const programTypeName = (type: number): string => PROGRAM_TYPES.get(type) ?? `type ${type}`;

/** `lpm_trie` for BPF_MAP_TYPE_LPM_TRIE, in the same way. */
export const mapTypeName = (type: number): string => MAP_TYPES.get(type) ?? `type ${type}`;

/** Names of the flags of BPF_MAP_CREATE in lower case (`no_prealloc`), with their bits. */
export const MAP_FLAGS: ReadonlyMap<string, number> = new Map([
  ['no_prealloc', uapi.BPF_F_NO_PREALLOC], ['no_common_lru', uapi.BPF_F_NO_COMMON_LRU], ['numa_node', uapi.BPF_F_NUMA_NODE], ['rdonly', uapi.BPF_F_RDONLY],
  ['wronly', uapi.BPF_F_WRONLY], ['stack_build_id', uapi.BPF_F_STACK_BUILD_ID], ['zero_seed', uapi.BPF_F_ZERO_SEED], ['rdonly_prog', uapi.BPF_F_RDONLY_PROG],
  ['wronly_prog', uapi.BPF_F_WRONLY_PROG], ['clone', uapi.BPF_F_CLONE], ['mmapable', uapi.BPF_F_MMAPABLE], ['preserve_elems', uapi.BPF_F_PRESERVE_ELEMS],
  ['inner_map', uapi.BPF_F_INNER_MAP], ['link', uapi.BPF_F_LINK], ['vtype_btf_obj_fd', uapi.BPF_F_VTYPE_BTF_OBJ_FD], ['token_fd', uapi.BPF_F_TOKEN_FD],
  ['segv_on_fault', uapi.BPF_F_SEGV_ON_FAULT], ['no_user_conv', uapi.BPF_F_NO_USER_CONV],
]);

/** `tcx` for BPF_LINK_TYPE_TCX, in the same way. */
export const linkTypeName = (type: number): string => LINK_TYPES.get(type) ?? `type ${type}`;

/** `cgroup_inet4_connect` for BPF_CGROUP_INET4_CONNECT, in the same way. */
export const attachTypeName = (type: number): string => ATTACH_TYPES.get(type) ?? `type ${type}`;

/** The number of such a name. @throws RangeError for one that is not known. */
export function attachTypeNumber(name: string): number {
  const number = numberOf(ATTACH_TYPES, name);
  if (number === undefined) throw new RangeError(`no attach type ${name}`);
  return number;
}

/** Names of all program types that are known, for `--type`. */
export const programTypeNames = (): string[] => [...PROGRAM_TYPES.values()];

/** Names of all map types that are known. */
export const mapTypeNames = (): string[] => [...MAP_TYPES.values()];

/** The number of a program type's name; undefined for one that is not known. */
export const programTypeNumber = (name: string): number | undefined => numberOf(PROGRAM_TYPES, name);

/** The number of a map type's name; undefined for one that is not known. */
export const mapTypeNumber = (name: string): number | undefined => numberOf(MAP_TYPES, name);

const numberOf = (names: ReadonlyMap<number, string>, name: string): number | undefined => [...names].find(([, known]) => known === name)?.[0];

const PROGRAM_TYPES = namesBehind('BPF_PROG_TYPE_');
const MAP_TYPES = namesBehind('BPF_MAP_TYPE_');
const LINK_TYPES = namesBehind('BPF_LINK_TYPE_');

/** Members of `enum bpf_attach_type`, which have no prefix of their own. */
const ATTACH_TYPE = /^BPF_(CGROUP_|SK_|LIRC_|FLOW_DISSECTOR$|TRACE_|MODIFY_RETURN$|LSM_|XDP|PERF_EVENT$|STRUCT_OPS$|NETFILTER$|TCX_|NETKIT_)/;
const ATTACH_TYPES: ReadonlyMap<number, string> = new Map(
  Object.entries(uapi).flatMap(([name, value]): [number, string][] => (ATTACH_TYPE.test(name) ? [[value, name.slice('BPF_'.length).toLowerCase()]] : [])),
);

function namesBehind(prefix: string): ReadonlyMap<number, string> {
  const constants = Object.entries(uapi).filter(([name]) => name.startsWith(prefix));
  return new Map(constants.map(([name, value]) => [value, name.slice(prefix.length).toLowerCase()]));
}
