import { bpf as uapi } from '../uapi/index.ts';

/** `sched_cls` for BPF_PROG_TYPE_SCHED_CLS, as bpftool writes it; `type 99` for one that is newer than this list. */
export const programTypeName = (type: number): string => PROGRAM_TYPES.get(type) ?? `type ${type}`;

/** `lpm_trie` for BPF_MAP_TYPE_LPM_TRIE, in the same way. */
export const mapTypeName = (type: number): string => MAP_TYPES.get(type) ?? `type ${type}`;

/** `tcx` for BPF_LINK_TYPE_TCX, in the same way. */
export const linkTypeName = (type: number): string => LINK_TYPES.get(type) ?? `type ${type}`;

/** Names of all program types that are known, for `--type`. */
export const programTypeNames = (): string[] => [...PROGRAM_TYPES.values()];

const PROGRAM_TYPES = namesBehind('BPF_PROG_TYPE_');
const MAP_TYPES = namesBehind('BPF_MAP_TYPE_');
const LINK_TYPES = namesBehind('BPF_LINK_TYPE_');

function namesBehind(prefix: string): ReadonlyMap<number, string> {
  const constants = Object.entries(uapi).filter(([name]) => name.startsWith(prefix));
  return new Map(constants.map(([name, value]) => [value, name.slice(prefix.length).toLowerCase()]));
}
