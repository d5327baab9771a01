/**
 * What the name of a section says about the programs in it: `SEC("fentry.s/do_unlinkat")` is of type TRACING, is attached
 * at FENTRY, may sleep, and goes to the kernel function `do_unlinkat`.
 *
 * @kernel libbpf section_defs
 */

import { Kind } from '../../btf/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';

/** A kernel type that a program is attached to, which the verifier needs to know. */
export interface AttachType {
  /** In front of the name in the kernel's BTF: `bpf_lsm_` of `bpf_lsm_file_open`. */
  prefix: string;
  /** BTF_KIND_* */
  kind: number;
}

/** How programs of a section are loaded. */
export interface ProgramType {
  /** The section's name up to its target: `kprobe`, `fentry.s`, `cgroup/connect4`. */
  hook: string;
  /** BPF_PROG_TYPE_* */
  type: number;
  /** BPF_* of `enum bpf_attach_type`; 0 where the type has none. */
  expectedAttachType: number;
  /** BPF_F_* of BPF_PROG_LOAD */
  flags: number;
  /** What follows the hook: a function, a tracepoint `sched/sched_switch`, a file and symbol. */
  target?: string;
  /** Where the target is a type of the kernel. */
  attach?: AttachType;
}

interface Definition {
  type: number;
  attach?: number;
  btf?: AttachType;
  flags?: number;
  /** Whether a target may follow. */
  targets?: boolean;
}

const FUNCTION: AttachType = { prefix: '', kind: Kind.FUNC };
const TRACEPOINT: AttachType = { prefix: 'btf_trace_', kind: Kind.TYPEDEF };
const LSM: AttachType = { prefix: 'bpf_lsm_', kind: Kind.FUNC };
const ITERATOR: AttachType = { prefix: 'bpf_iter_', kind: Kind.FUNC };

const plain = (type: number, attach: number = 0, flags: number = 0): Definition => ({ type, attach, flags });
const probe = (attach: number = 0): Definition => ({ type: uapi.BPF_PROG_TYPE_KPROBE, attach, targets: true });
const tracing = (attach: number, btf: AttachType): Definition => ({ type: uapi.BPF_PROG_TYPE_TRACING, attach, btf, targets: true });
const traced = (type: number): Definition => ({ type, targets: true });
const xdp = (attach: number): Definition => plain(uapi.BPF_PROG_TYPE_XDP, attach);
const tc = (attach: number = 0): Definition => plain(uapi.BPF_PROG_TYPE_SCHED_CLS, attach);
const sockAddr = (attach: number): Definition => plain(uapi.BPF_PROG_TYPE_CGROUP_SOCK_ADDR, attach);
const sock = (attach: number): Definition => plain(uapi.BPF_PROG_TYPE_CGROUP_SOCK, attach);
const skb = (attach: number): Definition => plain(uapi.BPF_PROG_TYPE_SK_SKB, attach);

/** Hooks that also come as `NAME.s`, whose programs may sleep. */
const SLEEPABLE = new Set([
  'uprobe', 'uretprobe', 'uprobe.multi', 'uretprobe.multi', 'uprobe.session', 'usdt', 'fentry', 'fexit', 'fmod_ret', 'lsm', 'iter', 'struct_ops',
]);

const HOOKS: Readonly<Record<string, Definition>> = {
  socket: plain(uapi.BPF_PROG_TYPE_SOCKET_FILTER),
  sk_reuseport: plain(uapi.BPF_PROG_TYPE_SK_REUSEPORT, uapi.BPF_SK_REUSEPORT_SELECT),
  'sk_reuseport/migrate': plain(uapi.BPF_PROG_TYPE_SK_REUSEPORT, uapi.BPF_SK_REUSEPORT_SELECT_OR_MIGRATE),
  kprobe: probe(), kretprobe: probe(), uprobe: probe(), uretprobe: probe(), ksyscall: probe(), kretsyscall: probe(), usdt: probe(),
  'kprobe.multi': probe(uapi.BPF_TRACE_KPROBE_MULTI), 'kretprobe.multi': probe(uapi.BPF_TRACE_KPROBE_MULTI),
  'kprobe.session': probe(uapi.BPF_TRACE_KPROBE_SESSION),
  'uprobe.multi': probe(uapi.BPF_TRACE_UPROBE_MULTI), 'uretprobe.multi': probe(uapi.BPF_TRACE_UPROBE_MULTI),
  'uprobe.session': probe(uapi.BPF_TRACE_UPROBE_SESSION),
  tc: tc(), classifier: tc(), action: plain(uapi.BPF_PROG_TYPE_SCHED_ACT),
  'tc/ingress': tc(uapi.BPF_TCX_INGRESS), 'tc/egress': tc(uapi.BPF_TCX_EGRESS),
  'tcx/ingress': tc(uapi.BPF_TCX_INGRESS), 'tcx/egress': tc(uapi.BPF_TCX_EGRESS),
  'netkit/primary': tc(uapi.BPF_NETKIT_PRIMARY), 'netkit/peer': tc(uapi.BPF_NETKIT_PEER),
  tracepoint: traced(uapi.BPF_PROG_TYPE_TRACEPOINT), tp: traced(uapi.BPF_PROG_TYPE_TRACEPOINT),
  raw_tracepoint: traced(uapi.BPF_PROG_TYPE_RAW_TRACEPOINT), raw_tp: traced(uapi.BPF_PROG_TYPE_RAW_TRACEPOINT),
  'raw_tracepoint.w': traced(uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE), 'raw_tp.w': traced(uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE),
  tp_btf: tracing(uapi.BPF_TRACE_RAW_TP, TRACEPOINT),
  fentry: tracing(uapi.BPF_TRACE_FENTRY, FUNCTION), fexit: tracing(uapi.BPF_TRACE_FEXIT, FUNCTION),
  fmod_ret: tracing(uapi.BPF_MODIFY_RETURN, FUNCTION), iter: tracing(uapi.BPF_TRACE_ITER, ITERATOR),
  freplace: traced(uapi.BPF_PROG_TYPE_EXT),
  lsm: { type: uapi.BPF_PROG_TYPE_LSM, attach: uapi.BPF_LSM_MAC, btf: LSM, targets: true },
  lsm_cgroup: { type: uapi.BPF_PROG_TYPE_LSM, attach: uapi.BPF_LSM_CGROUP, btf: LSM, targets: true },
  struct_ops: traced(uapi.BPF_PROG_TYPE_STRUCT_OPS),
  syscall: plain(uapi.BPF_PROG_TYPE_SYSCALL, 0, uapi.BPF_F_SLEEPABLE),
  xdp: xdp(uapi.BPF_XDP), 'xdp/devmap': xdp(uapi.BPF_XDP_DEVMAP), 'xdp/cpumap': xdp(uapi.BPF_XDP_CPUMAP),
  perf_event: plain(uapi.BPF_PROG_TYPE_PERF_EVENT),
  lwt_in: plain(uapi.BPF_PROG_TYPE_LWT_IN), lwt_out: plain(uapi.BPF_PROG_TYPE_LWT_OUT),
  lwt_xmit: plain(uapi.BPF_PROG_TYPE_LWT_XMIT), lwt_seg6local: plain(uapi.BPF_PROG_TYPE_LWT_SEG6LOCAL),
  sockops: plain(uapi.BPF_PROG_TYPE_SOCK_OPS, uapi.BPF_CGROUP_SOCK_OPS),
  sk_skb: skb(0), 'sk_skb/stream_parser': skb(uapi.BPF_SK_SKB_STREAM_PARSER),
  'sk_skb/stream_verdict': skb(uapi.BPF_SK_SKB_STREAM_VERDICT), 'sk_skb/verdict': skb(uapi.BPF_SK_SKB_VERDICT),
  sk_msg: plain(uapi.BPF_PROG_TYPE_SK_MSG, uapi.BPF_SK_MSG_VERDICT),
  lirc_mode2: plain(uapi.BPF_PROG_TYPE_LIRC_MODE2, uapi.BPF_LIRC_MODE2),
  flow_dissector: plain(uapi.BPF_PROG_TYPE_FLOW_DISSECTOR, uapi.BPF_FLOW_DISSECTOR),
  sk_lookup: plain(uapi.BPF_PROG_TYPE_SK_LOOKUP, uapi.BPF_SK_LOOKUP),
  netfilter: plain(uapi.BPF_PROG_TYPE_NETFILTER, uapi.BPF_NETFILTER),
  'cgroup/skb': plain(uapi.BPF_PROG_TYPE_CGROUP_SKB),
  'cgroup_skb/ingress': plain(uapi.BPF_PROG_TYPE_CGROUP_SKB, uapi.BPF_CGROUP_INET_INGRESS),
  'cgroup_skb/egress': plain(uapi.BPF_PROG_TYPE_CGROUP_SKB, uapi.BPF_CGROUP_INET_EGRESS),
  'cgroup/sock': sock(uapi.BPF_CGROUP_INET_SOCK_CREATE), 'cgroup/sock_create': sock(uapi.BPF_CGROUP_INET_SOCK_CREATE),
  'cgroup/sock_release': sock(uapi.BPF_CGROUP_INET_SOCK_RELEASE),
  'cgroup/post_bind4': sock(uapi.BPF_CGROUP_INET4_POST_BIND), 'cgroup/post_bind6': sock(uapi.BPF_CGROUP_INET6_POST_BIND),
  'cgroup/bind4': sockAddr(uapi.BPF_CGROUP_INET4_BIND), 'cgroup/bind6': sockAddr(uapi.BPF_CGROUP_INET6_BIND),
  'cgroup/connect4': sockAddr(uapi.BPF_CGROUP_INET4_CONNECT), 'cgroup/connect6': sockAddr(uapi.BPF_CGROUP_INET6_CONNECT),
  'cgroup/connect_unix': sockAddr(uapi.BPF_CGROUP_UNIX_CONNECT),
  'cgroup/sendmsg4': sockAddr(uapi.BPF_CGROUP_UDP4_SENDMSG), 'cgroup/sendmsg6': sockAddr(uapi.BPF_CGROUP_UDP6_SENDMSG),
  'cgroup/sendmsg_unix': sockAddr(uapi.BPF_CGROUP_UNIX_SENDMSG),
  'cgroup/recvmsg4': sockAddr(uapi.BPF_CGROUP_UDP4_RECVMSG), 'cgroup/recvmsg6': sockAddr(uapi.BPF_CGROUP_UDP6_RECVMSG),
  'cgroup/recvmsg_unix': sockAddr(uapi.BPF_CGROUP_UNIX_RECVMSG),
  'cgroup/getpeername4': sockAddr(uapi.BPF_CGROUP_INET4_GETPEERNAME), 'cgroup/getpeername6': sockAddr(uapi.BPF_CGROUP_INET6_GETPEERNAME),
  'cgroup/getpeername_unix': sockAddr(uapi.BPF_CGROUP_UNIX_GETPEERNAME),
  'cgroup/getsockname4': sockAddr(uapi.BPF_CGROUP_INET4_GETSOCKNAME), 'cgroup/getsockname6': sockAddr(uapi.BPF_CGROUP_INET6_GETSOCKNAME),
  'cgroup/getsockname_unix': sockAddr(uapi.BPF_CGROUP_UNIX_GETSOCKNAME),
  'cgroup/sysctl': plain(uapi.BPF_PROG_TYPE_CGROUP_SYSCTL, uapi.BPF_CGROUP_SYSCTL),
  'cgroup/getsockopt': plain(uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT, uapi.BPF_CGROUP_GETSOCKOPT),
  'cgroup/setsockopt': plain(uapi.BPF_PROG_TYPE_CGROUP_SOCKOPT, uapi.BPF_CGROUP_SETSOCKOPT),
  'cgroup/dev': plain(uapi.BPF_PROG_TYPE_CGROUP_DEVICE, uapi.BPF_CGROUP_DEVICE),
};

/** All names that a section may begin with. */
export const programHooks = (): string[] => Object.keys(HOOKS).flatMap((hook) => (SLEEPABLE.has(hook) ? [hook, `${hook}.s`] : [hook]));

/** How the programs of a section are loaded; undefined for a name that means nothing. A leading `?` is passed over. */
export function programTypeOf(section: string): ProgramType | undefined {
  const name = section.replace(/^\?/, '');
  const whole = HOOKS[asBase(name)];
  if (whole !== undefined) return build(name, whole);
  const slash = name.indexOf('/');
  const definition = slash < 0 ? undefined : HOOKS[asBase(name.slice(0, slash))];
  return definition?.targets === true ? build(name.slice(0, slash), definition, name.slice(slash + 1)) : undefined;
}

/** The hook without what only sets a flag: `.s` sleeps, `.frags` takes packets in several buffers. */
function asBase(hook: string): string {
  if (/^xdp\.frags(\/|$)/.test(hook)) return hook.replace('.frags', '');
  const base = hook.replace(/\.s$/, '');
  return SLEEPABLE.has(base) ? base : hook;
}

function build(hook: string, { type, attach = 0, btf, flags = 0 }: Definition, target?: string): ProgramType {
  const sleepable = asBase(hook) !== hook && hook.endsWith('.s') ? uapi.BPF_F_SLEEPABLE : 0;
  const frags = hook.startsWith('xdp.frags') ? uapi.BPF_F_XDP_HAS_FRAGS : 0;
  return {
    hook, type, expectedAttachType: attach, flags: flags | sleepable | frags,
    ...(target === undefined || target === '' ? {} : { target }), ...(btf === undefined ? {} : { attach: btf }),
  };
}
