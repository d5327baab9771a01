/** Program types, and the hooks of each, found out by loading the smallest program. */

import { VerifierError } from '../../../lib/errors.ts';
import { Kind, kernelBtf } from '../../btf/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { BpfProgram } from '../program.ts';
import { attempt, type Feature } from './attempt.ts';

/** `r0 = 0; exit`: a verdict that programs of nearly all types may return. */
const RETURN_0 = Buffer.from('b7000000000000009500000000000000', 'hex');
/** `r0 = 1; exit`: some hooks of addresses can only be told to go on. */
const RETURN_1 = Buffer.from('b7000000010000009500000000000000', 'hex');
const smallest = (type: number): Buffer => (type === uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR ? RETURN_1 : RETURN_0);

/** What a program of a type must be loaded with, where the type alone is not enough. */
const NEEDS: Readonly<Record<number, number>> = {
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR]: uapi.BPF_CGROUP_INET4_BIND,
  [uapi.BPF_PROG_TYPE_CGROUP_SOCK]: uapi.BPF_CGROUP_INET_SOCK_CREATE,
  [uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT]: uapi.BPF_CGROUP_GETSOCKOPT,
  [uapi.BPF_PROG_TYPE_SK_LOOKUP]: uapi.BPF_SK_LOOKUP,
  [uapi.BPF_PROG_TYPE_SK_REUSEPORT]: uapi.BPF_SK_REUSEPORT_SELECT,
  [uapi.BPF_PROG_TYPE_FLOW_DISSECTOR]: uapi.BPF_FLOW_DISSECTOR,
  [uapi.BPF_PROG_TYPE_NETFILTER]: uapi.BPF_NETFILTER,
  [uapi.BPF_PROG_TYPE_TRACING]: uapi.BPF_TRACE_RAW_TP,
  [uapi.BPF_PROG_TYPE_LSM]: uapi.BPF_LSM_MAC,
};

/** A type of the kernel that programs of an attach type are loaded for: one that is there on every kernel that has the hook. */
const TARGETS: Readonly<Record<number, { name: string; kind: number }>> = {
  [uapi.BPF_TRACE_RAW_TP]: { name: 'btf_trace_sched_switch', kind: Kind.TYPEDEF },
  [uapi.BPF_TRACE_FENTRY]: { name: 'vfs_read', kind: Kind.FUNC },
  [uapi.BPF_TRACE_FEXIT]: { name: 'vfs_read', kind: Kind.FUNC },
  [uapi.BPF_MODIFY_RETURN]: { name: 'security_file_open', kind: Kind.FUNC },
  [uapi.BPF_LSM_MAC]: { name: 'bpf_lsm_file_open', kind: Kind.FUNC },
  [uapi.BPF_LSM_CGROUP]: { name: 'bpf_lsm_socket_create', kind: Kind.FUNC },
  [uapi.BPF_TRACE_ITER]: { name: 'bpf_iter_task', kind: Kind.FUNC },
};

/** Whether programs of a type, made for an attach type, can be loaded. */
export function probeProgram(type: number, attachType: number = NEEDS[type] ?? 0): Feature {
  if (type === uapi.BPF_PROG_TYPE_EXT) return probeExtension();
  return attempt(() => loadSmallest(type, attachType).close());
}

/** The smallest program of a type, or one with other instructions, which the caller closes. @throws SyscallError, VerifierError */
export function loadSmallest(type: number, attachType: number = NEEDS[type] ?? 0, instructions: Buffer = smallest(type)): BpfProgram {
  const structOps = type === uapi.BPF_PROG_TYPE_STRUCT_OPS;
  const target = TARGETS[attachType];
  const typeId = structOps ? kernelBtf().find('tcp_congestion_ops', Kind.STRUCT)[0] : target === undefined ? undefined : kernelBtf().find(target.name, target.kind)[0];
  return BpfProgram.load({
    name: 'probe', type, expectedAttachType: structOps ? memberIndex(typeId, 'undo_cwnd') : attachType, instructions, license: 'GPL',
    flags: type === uapi.BPF_PROG_TYPE_SYSCALL ? uapi.BPF_F_SLEEPABLE : 0, ...(typeId === undefined ? {} : { attach: { typeId } }),
  });
}

function memberIndex(typeId: number | undefined, name: string): number {
  if (typeId === undefined) return 0;
  return kernelBtf().members(kernelBtf().type(typeId)).findIndex((member) => member.name === name);
}

/** An extension needs a program to extend: a kernel that knows the type says so, another does not know the type. */
function probeExtension(): Feature {
  const feature = attempt(() => BpfProgram.load({
    name: 'probe', type: uapi.BPF_PROG_TYPE_EXT, expectedAttachType: 0, instructions: RETURN_0, license: 'GPL', attach: { typeId: 1 },
  }).close());
  return feature.reason?.includes('not a function') === true ? { available: true } : feature;
}

/** Names of all helpers by their numbers, as this kernel knows them: `bpf_map_lookup_elem` is 1. */
export function helperNames(): Map<string, number> {
  const [id] = kernelBtf().find('bpf_func_id', Kind.ENUM);
  const entries = id === undefined ? [] : kernelBtf().enumerators(kernelBtf().type(id));
  return new Map(entries.filter(({ name }) => /^BPF_FUNC_(?!unspec)/.test(name)).map(({ name, value }) => [name.replace('BPF_FUNC_', 'bpf_'), Number(value)]));
}

/** Whether programs of a type may call a helper, by its number. */
export function probeHelper(type: number, helper: number): Feature {
  const instructions = Buffer.concat([Buffer.from([uapi.OP_CALL, 0, 0, 0, helper & 255, helper >>> 8, 0, 0]), RETURN_0]);
  try {
    loadSmallest(type, NEEDS[type], instructions).close();
    return { available: true };
  } catch (error) {
    // The verifier complains of the arguments, which are missing, only once it knows that the helper may be called.
    if (error instanceof VerifierError && !/unknown func|invalid func|program of this type cannot use helper|cannot use helper/.test(error.log)) return { available: true };
    return { available: false, reason: (error as Error).message };
  }
}

/** Whether the kernel has a function that programs may call. @kernel decl tag `bpf_kfunc`, since Linux 6.9; before, its name has to do */
export function probeKfunc(name: string): Feature {
  const btf = kernelBtf();
  const [id] = btf.find(name, Kind.FUNC);
  if (id === undefined) return { available: false, reason: `the kernel has no function ${name}` };
  const tags = btf.find('bpf_kfunc', Kind.DECL_TAG).map((tag) => btf.type(tag).sizeOrType);
  return tags.length === 0 || tags.includes(id) ? { available: true } : { available: false, reason: `${name} is not for programs` };
}
