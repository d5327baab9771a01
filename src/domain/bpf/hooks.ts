/** The hooks of the kernel that programs can be attached to, by the names that users write. */

/** What a hook is part of, which decides how its target is written. */
export type HookKind =
  | 'xdp' | 'tcx' | 'netkit' | 'tc' | 'netfilter' | 'cgroup' | 'netns' | 'sockmap' | 'lwt' | 'tracepoint' | 'raw_tracepoint' | 'kprobe' | 'uprobe'
  | 'kprobe_multi' | 'uprobe_multi' | 'tracing' | 'perf_event' | 'iter' | 'struct_ops';

export interface Hook {
  /** As users write it: `cgroup-connect4`. */
  name: string;
  kind: HookKind;
  /** Program types that it takes, as bpftool writes them. */
  programTypes: readonly string[];
  /** `enum bpf_attach_type` without `BPF_`, in small letters; absent where the kernel needs none. */
  attachType?: string;
  /** Least kernel on which a link of this kind can be made; for `tc` and `lwt`, which have none, that has the hook. */
  since: string;
  /** Kernel options without which it is missing. */
  config: readonly string[];
  /** What `SEC()` calls it. */
  sections: readonly string[];
}

type Shape = Omit<Hook, 'name' | 'sections'> & { sections?: readonly string[] };

const hook = (name: string, { sections = [name], ...shape }: Shape): Hook => ({ name, sections, ...shape });

const device = (kind: 'xdp' | 'tcx' | 'netkit', since: string, config: readonly string[], attachType: string, sections: readonly string[]): Shape =>
  ({ kind, programTypes: [kind === 'xdp' ? 'xdp' : 'sched_cls'], since, config, attachType, sections });

const inCgroup = (type: string, attachType: string, since: string, sections: readonly string[]): Shape =>
  ({ kind: 'cgroup', programTypes: [type], attachType, since, config: ['CONFIG_CGROUP_BPF'], sections });

const address = (name: string, attachType: string, since: string): Hook =>
  hook(`cgroup-${name.replaceAll('_', '-')}`, inCgroup('cgroup_sock_addr', `cgroup_${attachType}`, since, [`cgroup/${name}`]));

const tracing = (name: string, attachType: string, since: string, type = 'tracing'): Hook =>
  hook(name, { kind: 'tracing', programTypes: [type], attachType, since, config: ['CONFIG_DEBUG_INFO_BTF', 'CONFIG_BPF_EVENTS'], sections: [name] });

const sockets = (name: string, type: string, attachType: string): Hook =>
  hook(name, { kind: 'sockmap', programTypes: [type], attachType, since: '6.10', config: ['CONFIG_BPF_STREAM_PARSER'], sections: [name.replace('-', '/').replaceAll('-', '_')] });

const probe = (name: string, kind: 'kprobe' | 'uprobe' | 'kprobe_multi' | 'uprobe_multi', since: string, config: string): Hook =>
  hook(name, { kind, programTypes: ['kprobe'], since, config: [config], ...(kind.endsWith('multi') ? { attachType: `trace_${kind}` } : {}) });

const lwt = (name: string): Hook =>
  hook(`lwt-${name}`, { kind: 'lwt', programTypes: [`lwt_${name}`], since: '4.10', config: ['CONFIG_LWTUNNEL_BPF'], sections: [`lwt_${name}`] });

const XDP = (sections: readonly string[]): Shape => device('xdp', '5.9', [], 'xdp', sections);
const TC: Shape = { kind: 'tc', programTypes: ['sched_cls'], since: '4.5', config: ['CONFIG_NET_CLS_BPF', 'CONFIG_NET_SCH_INGRESS'], sections: [] };

/** Every hook, in the order of a packet's way and then from the network to the rest of the kernel. */
export const HOOKS: readonly Hook[] = [
  hook('xdp', XDP(['xdp'])), hook('xdp-native', XDP([])), hook('xdp-generic', XDP([])), hook('xdp-offload', XDP([])),
  hook('tcx-ingress', device('tcx', '6.6', ['CONFIG_NET_XGRESS'], 'tcx_ingress', ['tcx/ingress', 'tc/ingress'])),
  hook('tcx-egress', device('tcx', '6.6', ['CONFIG_NET_XGRESS'], 'tcx_egress', ['tcx/egress', 'tc/egress'])),
  hook('netkit-primary', device('netkit', '6.7', ['CONFIG_NETKIT'], 'netkit_primary', ['netkit/primary'])),
  hook('netkit-peer', device('netkit', '6.7', ['CONFIG_NETKIT'], 'netkit_peer', ['netkit/peer'])),
  hook('tc-ingress', TC), hook('tc-egress', TC),
  hook('netfilter', { kind: 'netfilter', programTypes: ['netfilter'], attachType: 'netfilter', since: '6.4', config: ['CONFIG_NETFILTER_BPF_LINK'] }),
  lwt('in'), lwt('out'), lwt('xmit'),
  hook('sk_lookup', { kind: 'netns', programTypes: ['sk_lookup'], attachType: 'sk_lookup', since: '5.9', config: [] }),
  hook('flow_dissector', { kind: 'netns', programTypes: ['flow_dissector'], attachType: 'flow_dissector', since: '5.7', config: [] }),
  sockets('sk_msg', 'sk_msg', 'sk_msg_verdict'), sockets('sk_skb-stream-parser', 'sk_skb', 'sk_skb_stream_parser'),
  sockets('sk_skb-stream-verdict', 'sk_skb', 'sk_skb_stream_verdict'), sockets('sk_skb-verdict', 'sk_skb', 'sk_skb_verdict'),
  hook('cgroup-ingress', inCgroup('cgroup_skb', 'cgroup_inet_ingress', '5.7', ['cgroup_skb/ingress'])),
  hook('cgroup-egress', inCgroup('cgroup_skb', 'cgroup_inet_egress', '5.7', ['cgroup_skb/egress'])),
  hook('cgroup-sock-create', inCgroup('cgroup_sock', 'cgroup_inet_sock_create', '5.7', ['cgroup/sock_create', 'cgroup/sock'])),
  hook('cgroup-sock-release', inCgroup('cgroup_sock', 'cgroup_inet_sock_release', '5.9', ['cgroup/sock_release'])),
  hook('cgroup-post-bind4', inCgroup('cgroup_sock', 'cgroup_inet4_post_bind', '5.7', ['cgroup/post_bind4'])),
  hook('cgroup-post-bind6', inCgroup('cgroup_sock', 'cgroup_inet6_post_bind', '5.7', ['cgroup/post_bind6'])),
  hook('cgroup-sock-ops', inCgroup('sock_ops', 'cgroup_sock_ops', '5.7', ['sockops'])),
  hook('cgroup-device', inCgroup('cgroup_device', 'cgroup_device', '5.7', ['cgroup/dev'])),
  hook('cgroup-sysctl', inCgroup('cgroup_sysctl', 'cgroup_sysctl', '5.7', ['cgroup/sysctl'])),
  hook('cgroup-getsockopt', inCgroup('cgroup_sockopt', 'cgroup_getsockopt', '5.7', ['cgroup/getsockopt'])),
  hook('cgroup-setsockopt', inCgroup('cgroup_sockopt', 'cgroup_setsockopt', '5.7', ['cgroup/setsockopt'])),
  address('bind4', 'inet4_bind', '5.7'), address('bind6', 'inet6_bind', '5.7'),
  address('connect4', 'inet4_connect', '5.7'), address('connect6', 'inet6_connect', '5.7'), address('connect_unix', 'unix_connect', '6.7'),
  address('sendmsg4', 'udp4_sendmsg', '5.7'), address('sendmsg6', 'udp6_sendmsg', '5.7'), address('sendmsg_unix', 'unix_sendmsg', '6.7'),
  address('recvmsg4', 'udp4_recvmsg', '5.7'), address('recvmsg6', 'udp6_recvmsg', '5.7'), address('recvmsg_unix', 'unix_recvmsg', '6.7'),
  address('getpeername4', 'inet4_getpeername', '5.8'), address('getpeername6', 'inet6_getpeername', '5.8'), address('getpeername_unix', 'unix_getpeername', '6.7'),
  address('getsockname4', 'inet4_getsockname', '5.8'), address('getsockname6', 'inet6_getsockname', '5.8'), address('getsockname_unix', 'unix_getsockname', '6.7'),
  hook('lsm_cgroup', { ...inCgroup('lsm', 'lsm_cgroup', '6.0', ['lsm_cgroup']), config: ['CONFIG_CGROUP_BPF', 'CONFIG_BPF_LSM'] }),
  hook('tracepoint', { kind: 'tracepoint', programTypes: ['tracepoint'], since: '5.15', config: ['CONFIG_BPF_EVENTS'], sections: ['tracepoint', 'tp'] }),
  hook('raw_tp', {
    kind: 'raw_tracepoint', programTypes: ['raw_tracepoint', 'raw_tracepoint_writable'], since: '4.17', config: ['CONFIG_BPF_EVENTS'],
    sections: ['raw_tp', 'raw_tracepoint', 'raw_tp.w', 'raw_tracepoint.w'],
  }),
  tracing('tp_btf', 'trace_raw_tp', '5.5'), tracing('fentry', 'trace_fentry', '5.5'), tracing('fexit', 'trace_fexit', '5.5'),
  tracing('fmod_ret', 'modify_return', '5.7'), tracing('freplace', 'freplace', '5.6', 'ext'),
  { ...tracing('lsm', 'lsm_mac', '5.7', 'lsm'), config: ['CONFIG_BPF_LSM', 'CONFIG_DEBUG_INFO_BTF'] },
  probe('kprobe', 'kprobe', '5.15', 'CONFIG_KPROBE_EVENTS'), probe('kretprobe', 'kprobe', '5.15', 'CONFIG_KPROBE_EVENTS'),
  probe('kprobe.multi', 'kprobe_multi', '5.18', 'CONFIG_FPROBE'), probe('kretprobe.multi', 'kprobe_multi', '5.18', 'CONFIG_FPROBE'),
  probe('uprobe', 'uprobe', '5.15', 'CONFIG_UPROBE_EVENTS'), probe('uretprobe', 'uprobe', '5.15', 'CONFIG_UPROBE_EVENTS'),
  probe('uprobe.multi', 'uprobe_multi', '6.6', 'CONFIG_UPROBE_EVENTS'), probe('uretprobe.multi', 'uprobe_multi', '6.6', 'CONFIG_UPROBE_EVENTS'),
  hook('perf_event', { kind: 'perf_event', programTypes: ['perf_event'], since: '5.15', config: ['CONFIG_PERF_EVENTS', 'CONFIG_BPF_EVENTS'] }),
  hook('iter', { kind: 'iter', programTypes: ['tracing'], attachType: 'trace_iter', since: '5.8', config: ['CONFIG_DEBUG_INFO_BTF'] }),
  hook('struct_ops', { kind: 'struct_ops', programTypes: ['struct_ops'], attachType: 'struct_ops', since: '6.4', config: ['CONFIG_DEBUG_INFO_BTF'] }),
];

/** A hook by the name that users write. */
export const findHook = (name: string): Hook | undefined => HOOKS.find((candidate) => candidate.name === name);

/** The hook of an attach type; `kind` tells those apart that share one. */
export const hookOfAttachType = (attachType: string, kind: HookKind): Hook | undefined =>
  HOOKS.find((candidate) => candidate.attachType === attachType && candidate.kind === kind);

/** The hook that a section names, without its target: `fentry.s`, `xdp.frags` and `cgroup/connect4` too. */
export const hookOfSection = (section: string): Hook | undefined => {
  const base = section.replace(/\.(s|frags)$/, '');
  return HOOKS.find(({ sections }) => sections.includes(base));
};
