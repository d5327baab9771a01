/** What the kernel runs on request, by program type: what goes in, what a result means, what comes out. */

import type { ContextLayout } from './context.ts';

/** How programs of a type are run. */
export interface RunnableType {
  /** `packet`, the addresses of a socket lookup, numbers as arguments, bytes, or nothing. */
  input: 'packet' | 'lookup' | 'arguments' | 'memory' | 'nothing';
  /** What comes back beside the result. */
  output: 'packet' | 'flow-keys' | 'nothing';
  /** Names of results in the kernel's spelling. */
  verdicts: Readonly<Record<number, string>>;
  /** What `--ctx` may set. */
  context?: ContextLayout;
  /** Fields of it that a program may change. */
  changes?: readonly string[];
  /** The kernel keeps the Ethernet header for the program; else it gives out zeros in its place. */
  ethernet?: boolean;
  /** Can be run several times by one call. */
  repeats: boolean;
}

const XDP = { 0: 'XDP_ABORTED', 1: 'XDP_DROP', 2: 'XDP_PASS', 3: 'XDP_TX', 4: 'XDP_REDIRECT' };
const TC = {
  '-1': 'TC_ACT_UNSPEC', 0: 'TC_ACT_OK', 1: 'TC_ACT_RECLASSIFY', 2: 'TC_ACT_SHOT', 3: 'TC_ACT_PIPE', 4: 'TC_ACT_STOLEN', 5: 'TC_ACT_QUEUED',
  6: 'TC_ACT_REPEAT', 7: 'TC_ACT_REDIRECT', 8: 'TC_ACT_TRAP',
};
const LWT = { 0: 'BPF_OK', 2: 'BPF_DROP', 7: 'BPF_REDIRECT', 128: 'BPF_LWT_REROUTE' };

/** `struct __sk_buff`: what a test run lets user space set. @kernel net/bpf/test_run.c convert___skb_to_skb */
const SKB: ContextLayout = {
  bytes: 192,
  fields: {
    mark: { at: 8, bytes: 4 }, priority: { at: 32, bytes: 4 }, ingress_ifindex: { at: 36, bytes: 4 }, ifindex: { at: 40, bytes: 4 },
    cb0: { at: 48, bytes: 4 }, cb1: { at: 52, bytes: 4 }, cb2: { at: 56, bytes: 4 }, cb3: { at: 60, bytes: 4 }, cb4: { at: 64, bytes: 4 },
    tstamp: { at: 152, bytes: 8 }, wire_len: { at: 160, bytes: 4 }, gso_segs: { at: 164, bytes: 4 }, gso_size: { at: 176, bytes: 4 }, hwtstamp: { at: 184, bytes: 8 },
  },
};

/** `struct xdp_md`. */
const XDP_MD: ContextLayout = { bytes: 24, fields: { ingress_ifindex: { at: 12, bytes: 4 }, rx_queue_index: { at: 16, bytes: 4 } } };

/** The start of `struct nf_hook_state`, which only lives in the kernel: a hook, then the protocol family. */
const HOOK_STATE: ContextLayout = {
  bytes: 48, fields: { hook: { at: 0, bytes: 1, names: { prerouting: 0, input: 1, forward: 2, output: 3, postrouting: 4 } }, pf: { at: 1, bytes: 1, names: { ipv4: 2, ipv6: 10 } } },
};

/** `struct bpf_sk_lookup`; the rest of it comes from the packet. */
const SK_LOOKUP: ContextLayout = { bytes: 72, fields: { ingress_ifindex: { at: 64, bytes: 4 } } };

const onSkb = (verdicts: Readonly<Record<number, string>>, ethernet = false): RunnableType =>
  ({ input: 'packet', output: 'packet', verdicts, context: SKB, changes: ['mark', 'priority', 'cb0', 'cb1', 'cb2', 'cb3', 'cb4', 'tstamp'], ethernet, repeats: true });

const RUNNABLE: Readonly<Record<string, RunnableType>> = {
  xdp: { input: 'packet', output: 'packet', verdicts: XDP, context: XDP_MD, ethernet: true, repeats: true },
  sched_cls: onSkb(TC, true),
  sched_act: onSkb(TC, true),
  socket_filter: onSkb({ 0: 'drop' }),
  cgroup_skb: onSkb({ 0: 'drop', 1: 'pass', 2: 'drop, congestion', 3: 'pass, congestion' }),
  lwt_in: onSkb(LWT),
  lwt_out: onSkb(LWT),
  lwt_xmit: onSkb(LWT),
  netfilter: { input: 'packet', output: 'nothing', verdicts: { 0: 'NF_DROP', 1: 'NF_ACCEPT' }, context: HOOK_STATE, repeats: true },
  flow_dissector: { input: 'packet', output: 'flow-keys', verdicts: { 0: 'BPF_OK', 2: 'BPF_DROP', 129: 'BPF_FLOW_DISSECTOR_CONTINUE' }, repeats: true },
  sk_lookup: { input: 'lookup', output: 'nothing', verdicts: { 0: 'SK_DROP', 1: 'SK_PASS' }, context: SK_LOOKUP, repeats: true },
  raw_tracepoint: { input: 'arguments', output: 'nothing', verdicts: {}, repeats: false },
  syscall: { input: 'memory', output: 'nothing', verdicts: {}, repeats: false },
  tracing: { input: 'nothing', output: 'nothing', verdicts: {}, repeats: false },
};

/** How programs of a type are run; undefined where the kernel cannot. */
export const runnableType = (type: string): RunnableType | undefined => RUNNABLE[type];

/** Names of the types that can be run. */
export const runnableTypes = (): string[] => Object.keys(RUNNABLE).map((type) => (type === 'tracing' ? 'tracing (fentry, fexit and fmod_ret)' : type));

/** A result in words: its name where the type has one. Results are signed where a type has negative ones. */
export function verdictName(type: string, { verdicts }: RunnableType, result: number): string {
  const named = verdicts[result | 0] ?? verdicts[result];
  if (named !== undefined) return named;
  return type === 'socket_filter' ? `keep ${result} bytes` : String(result);
}
