/** Targets of hooks, as users write them. Nothing is looked up here. */

import { UsageError } from '../../../lib/errors.ts';
import { formatAddress, parseAddress } from '../../../lib/ip.ts';
import type { Hook, HookKind } from '../../bpf/index.ts';

export type AttachTarget =
  | { kind: 'device'; name: string }
  /** `family` is NFPROTO_*, `hook` an `enum nf_inet_hooks`. */
  | { kind: 'netfilter'; family: 2 | 10; hook: number; priority: number; defrag: boolean }
  | { kind: 'path'; path: string }
  /** A map by reference. */
  | { kind: 'map'; reference: string }
  /** A tracepoint, a function that the program was loaded for, or a map of the object. */
  | { kind: 'name'; name: string }
  | { kind: 'tracepoint'; category: string; name: string }
  /** A function of the kernel. */
  | { kind: 'function'; name: string; offset: bigint }
  /** Functions of the kernel; `*` stands for any characters. */
  | { kind: 'functions'; patterns: readonly string[] }
  /** Places in a program or library: an offset in the file, or one behind a symbol. */
  | { kind: 'places'; path: string; places: readonly { symbol?: string; offset: bigint }[] }
  | { kind: 'counter'; event: string; frequency: number }
  | { kind: 'iterator'; over?: { what: 'map' | 'cgroup' | 'pid'; which: string } }
  | { kind: 'route'; destination: string; prefixLength: number; gateway?: string; device?: string }
  | { kind: 'none' };

/** How often a second a counter goes off unless it is said. */
const DEFAULT_FREQUENCY = 99;

/** Reads what follows the hook. @throws UsageError SL2500 where something is missing or cannot be read. */
export function readTarget(hook: Hook, target: string | undefined, text: string): AttachTarget {
  const { example, read, optional = false } = FORMS[hook.kind];
  const found = target === undefined && !optional ? undefined : read(target ?? '');
  if (found !== undefined) return found;
  throw new UsageError(`--attach ${text}: ${target === undefined ? `${hook.name} needs a target` : `'${target}' is no target of ${hook.name}`}`, {
    code: 'SL2500', hints: [`--attach ${hook.name}:${example}`],
  });
}

interface Form {
  /** A target of this form. */
  example: string;
  /** Undefined where it cannot be read. */
  read: (text: string) => AttachTarget | undefined;
  optional?: boolean;
}

const interfaceName: Form = { example: 'eth0', read: (name) => (/^[^\s/]{1,15}$/.test(name) ? { kind: 'device', name } : undefined) };
const map: Form = { example: '/sys/fs/bpf/MAP', read: (reference) => ({ kind: 'map', reference }) };

const FORMS: Readonly<Record<HookKind, Form>> = {
  xdp: interfaceName, tcx: interfaceName, netkit: interfaceName, tc: interfaceName,
  netfilter: { example: 'ipv4/input/-10', read: readNetfilter },
  cgroup: { example: '/sys/fs/cgroup/NAME', read: (path) => ({ kind: 'path', path }) },
  netns: { example: '', read: (text) => (text === '' ? { kind: 'none' } : undefined), optional: true },
  sockmap: map,
  lwt: { example: "'10.1.0.0/16 via 10.0.0.1 dev eth0'", read: readRoute },
  tracepoint: { example: 'syscalls/sys_enter_openat', read: readTracepoint },
  raw_tracepoint: { example: 'sched_switch', read: (name) => (/^\w+$/.test(name) ? { kind: 'name', name } : undefined) },
  kprobe: { example: 'tcp_v4_connect', read: readFunction },
  kprobe_multi: { example: 'tcp_v4_*,tcp_v6_connect', read: (text) => ({ kind: 'functions', patterns: text.split(',') }) },
  uprobe: { example: '/bin/bash:main+0x10', read: (text) => readPlaces(text, false) },
  uprobe_multi: { example: '/bin/bash:main,exit', read: (text) => readPlaces(text, true) },
  tracing: { example: 'tcp_v4_connect', read: (name) => (name === '' ? { kind: 'none' } : { kind: 'name', name }), optional: true },
  perf_event: { example: 'cpu-clock/99', read: readCounter },
  iter: { example: 'map=/sys/fs/bpf/MAP', read: readIterator, optional: true },
  struct_ops: { example: 'MAP', read: (name) => ({ kind: 'name', name }) },
};

const NETFILTER_HOOKS = ['prerouting', 'input', 'forward', 'output', 'postrouting'];
const PRIORITY = /^-?\d{1,10}$/;

/** `ipv4/input`, `ipv4/input/-10`, `ipv6/forward/100/defrag` */
function readNetfilter(text: string): AttachTarget | undefined {
  const [family = '', hook = '', priority = '0', defrag, ...rest] = text.split('/');
  const number = NETFILTER_HOOKS.indexOf(hook);
  const value = Number(priority);
  if (!/^ipv[46]$/.test(family) || number < 0 || !PRIORITY.test(priority) || (value | 0) !== value) return undefined;
  if (rest.length > 0 || (defrag !== undefined && defrag !== 'defrag')) return undefined;
  return { kind: 'netfilter', family: family === 'ipv4' ? 2 : 10, hook: number, priority: value, defrag: defrag !== undefined };
}

function readTracepoint(text: string): AttachTarget | undefined {
  const [category = '', name = ''] = /^(\w+)\/(\w+)$/.exec(text)?.slice(1) ?? [];
  return name === '' ? undefined : { kind: 'tracepoint', category, name };
}

/** `tcp_v4_connect`, `tcp_v4_connect+0x10` */
function readFunction(text: string): AttachTarget | undefined {
  const [, name = '', offset = '0'] = /^([\w.]+)(?:\+(0x[\da-f]+|\d+))?$/i.exec(text) ?? [];
  return name === '' ? undefined : { kind: 'function', name, offset: BigInt(offset) };
}

/** `PATH:SYMBOL`, `PATH:SYMBOL+0x10`, `PATH:0x1234`, and several of them with commas; the path may have colons. */
function readPlaces(text: string, several: boolean): AttachTarget | undefined {
  const [, path = '', list = ''] = /^(.+):([^:]+)$/.exec(text) ?? [];
  const places = list.split(',').map(readPlace);
  const known = places.filter((place) => place !== undefined);
  if (path === '' || known.length < places.length || (!several && places.length > 1)) return undefined;
  return { kind: 'places', path, places: known };
}

function readPlace(text: string): { symbol?: string; offset: bigint } | undefined {
  if (/^(0x[\da-f]+|\d+)$/i.test(text)) return { offset: BigInt(text) };
  const [, symbol = '', offset = '0'] = /^([\w.$@]+)(?:\+(0x[\da-f]+|\d+))?$/i.exec(text) ?? [];
  return symbol === '' ? undefined : { symbol, offset: BigInt(offset) };
}

/** `cpu-clock`, `cpu-clock/99` */
function readCounter(text: string): AttachTarget | undefined {
  const [, event = '', frequency] = /^([\w-]+)(?:\/(\d{1,6}))?$/.exec(text) ?? [];
  const times = frequency === undefined ? DEFAULT_FREQUENCY : Number(frequency);
  return event === '' || times === 0 ? undefined : { kind: 'counter', event, frequency: times };
}

/** Nothing, `map=REF`, `cgroup=PATH`, `pid=N`; the kind of iterator, which the program has anyway, says nothing. */
function readIterator(text: string): AttachTarget | undefined {
  const [, what, which] = /^(map|cgroup|pid)=(.+)$/.exec(text) ?? [];
  if (what === undefined || which === undefined) return /^\w*$/.test(text) ? { kind: 'iterator' } : undefined;
  return what === 'pid' && !/^\d+$/.test(which) ? undefined : { kind: 'iterator', over: { what: what as 'map' | 'cgroup' | 'pid', which } };
}

/** `10.1.0.0/16 via 10.0.0.1 dev eth0`, with at least one of the two. */
function readRoute(text: string): AttachTarget | undefined {
  const [, prefix = '', gateway, device] = /^(\S+)(?:\s+via\s+(\S+))?(?:\s+dev\s+(\S+))?$/.exec(text.trim()) ?? [];
  const [address = '', length] = prefix.split('/');
  const words = parseAddress(address);
  if (words === undefined || (gateway === undefined && device === undefined)) return undefined;
  const bits = words.length * 32;
  const prefixLength = length === undefined ? bits : Number(length);
  const reachable = gateway === undefined || parseAddress(gateway) !== undefined;
  if (!/^\d{1,3}$/.test(length ?? '0') || prefixLength > bits || !reachable) return undefined;
  return {
    kind: 'route', destination: formatAddress(words), prefixLength, ...(gateway === undefined ? {} : { gateway }), ...(device === undefined ? {} : { device }),
  };
}
