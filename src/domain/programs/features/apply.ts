/** Finds out what the kernel can do by trying, in network namespaces and with objects that end with the try. */

import { readFileSync } from 'node:fs';
import {
  attachNetfilter, attachNetns, attachTcx, attachTypeNumber, attachXdp, attempt, helperNames, kernelConfig, loadSmallest, mapTypeNames, mapTypeNumber, probeBtf,
  probeHelper, probeKfunc, probeMap, probeProgram, programTypeNames, programTypeNumber, type Feature,
} from '../../../kernel/bpf/index.ts';
import { inNewNetns } from '../../../kernel/netns/index.ts';
import { Fd } from '../../../kernel/syscalls/index.ts';
import { UsageError } from '../../../lib/errors.ts';
import { HOOKS, type Hook } from '../../bpf/index.ts';
import { checkLsm } from '../attach/trace/apply.ts';
import { missingFeature } from '../attach/refusal/inspect.ts';
import { readNeed, splitNeeds, type FeatureKind, type KernelFeature, type Need } from './feature.ts';

export interface FeatureRequest {
  /** What is needed; everything of `kinds` is looked at where it is empty. */
  need: readonly string[];
  kinds?: readonly FeatureKind[] | undefined;
  /** Program type for helpers. */
  helpersOf: string;
}

export interface FeatureReport {
  items: KernelFeature[];
  /** Everything that was looked at is there. */
  all: boolean;
}

const USUAL: readonly FeatureKind[] = ['general', 'program', 'map', 'hook', 'config'];

/** Options that decide what can be done with BPF. */
const OPTIONS = [
  'CONFIG_BPF_SYSCALL', 'CONFIG_BPF_JIT', 'CONFIG_DEBUG_INFO_BTF', 'CONFIG_CGROUP_BPF', 'CONFIG_BPF_EVENTS', 'CONFIG_KPROBES', 'CONFIG_KPROBE_EVENTS', 'CONFIG_UPROBE_EVENTS',
  'CONFIG_FPROBE', 'CONFIG_FUNCTION_TRACER', 'CONFIG_BPF_LSM', 'CONFIG_NET_XGRESS', 'CONFIG_NETKIT', 'CONFIG_NETFILTER_BPF_LINK', 'CONFIG_NET_CLS_BPF', 'CONFIG_NET_SCH_INGRESS',
  'CONFIG_BPF_STREAM_PARSER', 'CONFIG_LWTUNNEL_BPF', 'CONFIG_XDP_SOCKETS', 'CONFIG_SCHED_CLASS_EXT', 'CONFIG_BPF_LIRC_MODE2',
];

/**
 * Looks at what is needed, or at everything of some kinds.
 *
 * @throws UsageError SL2510 for a need that names nothing; SyscallError EPERM is told as a reason, not thrown.
 */
export function probeFeatures({ need, kinds, helpersOf }: FeatureRequest): FeatureReport {
  const items = need.length > 0 ? probeNeeds(need, helpersOf) : (kinds ?? USUAL).flatMap((kind) => allOf(kind, helpersOf));
  return { items, all: items.every(({ available }) => available) };
}

const feature = (kind: FeatureKind, name: string, found: Feature): KernelFeature => ({ kind, name, ...found });

function allOf(kind: FeatureKind, helpersOf: string): KernelFeature[] {
  switch (kind) {
    case 'general': return Object.keys(GENERAL).map((name) => feature(kind, name, GENERAL[name]!()));
    case 'program': return known(programTypeNames()).map((name) => feature(kind, name, probeProgram(programTypeNumber(name)!)));
    case 'map': return known(mapTypeNames()).map((name) => feature(kind, name, probeMap(mapTypeNumber(name)!)));
    case 'hook': return HOOKS.map(hookFeature);
    case 'helper': return [...helperNames().keys()].map((name) => helperFeature(name, helpersOf));
    case 'kfunc': throw new UsageError('kernel functions are only looked for by name', { code: 'SL2510', hints: ['--need kfunc:NAME'] });
    case 'config': return OPTIONS.map(configFeature);
  }
}

const known = (names: readonly string[]): string[] => names.filter((name) => name !== 'unspec');

const GENERAL: Readonly<Record<string, () => Feature>> = {
  btf: probeBtf,
  jit: () => (readText('/proc/sys/net/core/bpf_jit_enable') === '0' ? { available: false, reason: 'net.core.bpf_jit_enable is 0' } : { available: true }),
  statistics: () => (readText('/proc/sys/kernel/bpf_stats_enabled') === undefined ? { available: false, reason: 'there is no kernel.bpf_stats_enabled' } : { available: true }),
};

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return undefined;
  }
}

/** A hook is there when a program for it can be loaded, and attached where that disturbs nobody. */
export function hookFeature(hook: Hook): KernelFeature {
  const { name, since } = hook;
  const missing = missingFeature(hook);
  if (missing !== undefined) return { kind: 'hook', name, since, available: false, reason: `needs ${missing.needs}; ${missing.found}` };
  const found = attempt(() => tryHook(hook));
  // To root this means that a security module, or what the kernel was made for, forbids it.
  const forbidden = found.reason?.endsWith(': EPERM') === true && process.getuid?.() === 0;
  return { ...feature('hook', name, forbidden ? { available: false, reason: `${found.reason}, also for root` } : found), since };
}

function tryHook(hook: Hook): void {
  const type = programTypeNumber(hook.programTypes[0]!)!;
  if (hook.name.startsWith('lsm')) checkLsm();
  if (hook.name === 'freplace') return refuseUnless(probeProgram(type));
  const attachType = hook.attachType === undefined || hook.kind === 'struct_ops' ? undefined : attachTypeNumber(hook.attachType);
  using program = loadSmallest(type, attachType);
  TRIES[hook.kind]?.(program, hook);
}

function refuseUnless({ available, reason }: Feature): void {
  if (!available) throw new UsageError(reason ?? 'refused');
}

type Try = (program: ReturnType<typeof loadSmallest>, hook: Hook) => void;

const LOOPBACK = 1;

/** In a network namespace of its own, which ends with the try. */
const TRIES: Readonly<Partial<Record<Hook['kind'], Try>>> = {
  xdp: (program, { name }) => inNewNetns(() => attachXdp(program, LOOPBACK, name === 'xdp' || name === 'xdp-generic' ? 'generic' : name === 'xdp-offload' ? 'offload' : 'auto').close()),
  tcx: (program, { name }) => inNewNetns(() => attachTcx(program, LOOPBACK, name === 'tcx-egress' ? 'egress' : 'ingress').close()),
  netfilter: (program) => inNewNetns(() => attachNetfilter(program, { family: 2, hook: 3, priority: 0 }).close()),
  netns: (program, { attachType }) => inNewNetns(() => {
    using netns = Fd.open('/proc/thread-self/ns/net');
    attachNetns(program, netns, attachTypeNumber(attachType!)).close();
  }),
};

function helperFeature(name: string, type: string): KernelFeature {
  const number = helperNames().get(name);
  const typeNumber = programTypeNumber(type);
  if (typeNumber === undefined) throw new UsageError(`there is no program type '${type}'`, { code: 'SL2510', hints: [known(programTypeNames()).join(', ')] });
  const label = `${type}/${name}`;
  if (number === undefined) return { kind: 'helper', name: label, available: false, reason: `this kernel has no helper ${name}` };
  return feature('helper', label, probeHelper(typeNumber, number));
}

function configFeature(name: string): KernelFeature {
  const options = kernelConfig();
  const value = options.get(name);
  if (options.size === 0) return { kind: 'config', name, available: false, reason: 'the kernel does not show its configuration' };
  return value === undefined ? { kind: 'config', name, available: false, reason: 'not set' } : { kind: 'config', name, available: value !== 'n' };
}

const probeNeeds = (texts: readonly string[], helpersOf: string): KernelFeature[] =>
  splitNeeds(texts).map((text) => probeNeed(readNeed(text) ?? refuse(text), helpersOf));

function probeNeed(need: Need, helpersOf: string): KernelFeature {
  const { kind, name, type } = need;
  if (kind === 'helper' || (kind === undefined && /^bpf_\w+$/.test(name) && helperNames().has(name))) return helperFeature(name, type ?? helpersOf);
  if (kind === 'kfunc') return feature('kfunc', name, probeKfunc(name));
  if (kind === 'config') return configFeature(name);
  return FIND.filter(([candidate]) => kind === undefined || kind === candidate).map(([, find]) => find(name)).find((found) => found !== undefined) ?? refuse(name);
}

/** A name alone may be any of these, in this order; `tcx` and `cgroup` stand for the first of their hooks. */
const FIND: readonly (readonly [FeatureKind, (name: string) => KernelFeature | undefined])[] = [
  ['hook', (name) => {
    const hook = HOOKS.find((candidate) => candidate.name === name) ?? HOOKS.find((candidate) => candidate.kind === name);
    return hook === undefined ? undefined : { ...hookFeature(hook), name };
  }],
  ['program', (name) => ofType('program', name, programTypeNumber(name), probeProgram)],
  ['map', (name) => ofType('map', name, mapTypeNumber(name), probeMap)],
  ['general', (name) => (GENERAL[name] === undefined ? undefined : feature('general', name, GENERAL[name]()))],
];

const ofType = (kind: FeatureKind, name: string, number: number | undefined, probe: (number: number) => Feature): KernelFeature | undefined =>
  (number === undefined || number === 0 ? undefined : feature(kind, name, probe(number)));

function refuse(name: string): never {
  throw new UsageError(`'${name}' names nothing that can be looked for`, {
    code: 'SL2510', hints: ['hooks, program types and map types by name; helper:TYPE/NAME, kfunc:NAME, config:CONFIG_NAME; btf, jit, statistics'],
  });
}
