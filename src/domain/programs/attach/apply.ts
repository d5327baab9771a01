/** Attaches programs as changes: what undoes it is on disk before anything stands at a hook, and the links are pinned. */

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ensureBpffs, linkInfo, pin, programTypeName, type BpfProgram } from '../../../kernel/bpf/index.ts';
import { netnsInode } from '../../../kernel/netns/index.ts';
import { beginChange, type ChangeRequest, type RevertStep } from '../../changes/index.ts';
import type { Hook } from '../../bpf/index.ts';
import { prepareDevice } from './device/apply.ts';
import { linkFolder, pinName } from './pins.ts';
import type { AttachOptions, Prepared } from './prepared.ts';
import { prepareKprobe, prepareKprobes, prepareUprobe, prepareUprobes } from './probe/apply.ts';
import { explainRefusal } from './refusal/inspect.ts';
import { prepareRoute } from './route/apply.ts';
import { prepareCgroup, prepareNetfilter, prepareNetns, prepareSockmap } from './socket/apply.ts';
import { readAttachSpec, type AttachSpec } from './spec.ts';
import type { AttachTarget } from './target.ts';
import { prepareCounter, prepareIterator, prepareRawTracepoint, prepareStructOps, prepareTracepoint, prepareTracing } from './trace/apply.ts';

/** How a change is made, as every command that changes the node takes it. */
export interface ChangeSettings {
  argv: readonly string[];
  confirmWithinMs?: number | undefined;
  /** `client`: read what is asked for. `kernel`: also find the hook; nothing is attached. */
  dryRun?: 'client' | 'kernel' | undefined;
}

export interface AttachRequest extends AttachOptions, ChangeSettings {
  program: BpfProgram;
  /** The whole name of the program's section, where the object is at hand. */
  section?: string | undefined;
  /** `HOOK:TARGET` */
  attach: string;
}

/** A program that was attached. */
export interface Attached {
  program: { id: number; name: string };
  /** `HOOK:TARGET`, complete. */
  attached: string;
  netns?: string;
  links: { id: number; pin: string }[];
  /** Absent for a dry run. */
  change?: string;
  /** RFC 3339 UTC, when it waits to be confirmed. */
  revertsAt?: string;
}

/**
 * Attaches a program. The caller keeps and closes it; the links stay, pinned below `sluice/links` of the bpf file system.
 *
 * @throws UsageError SL2500, SL2501 for what cannot be meant; NotFoundError SL2504 where the target does not exist;
 *   UnsupportedError SL2503 where the kernel lacks the hook; OperationError SL2502 when a device has an XDP program, SL2505, SL2506.
 *   Nothing is attached or pinned then. SL4001 when it was attached and had to be undone.
 */
export async function attachProgram(request: AttachRequest): Promise<Attached> {
  const info = request.program.info();
  const spec = readAttachSpec(request.attach, { type: programTypeName(info.type), section: request.section });
  const outcome: Attached = {
    program: { id: info.id, name: info.name }, attached: spec.text, links: [], ...(request.netns === undefined ? {} : { netns: request.netns.label }),
  };
  if (request.dryRun === 'client') return outcome;
  const prepared = explained(request, spec, () => prepare(spec, request));
  try {
    return request.dryRun === 'kernel' ? outcome : await attachAsChange(request, spec, prepared, outcome);
  } finally {
    prepared.close();
  }
}

function explained<T>({ program }: AttachRequest, spec: AttachSpec, work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw explainRefusal(error, program.name, spec);
  }
}

/**
 * Links are made before the change begins, so that a refusal of the kernel leaves no change behind: until they are pinned within
 * it they end with this process.
 */
async function attachAsChange(request: AttachRequest, spec: AttachSpec, prepared: Prepared, outcome: Attached): Promise<Attached> {
  const links = prepared.links === 0 ? [] : explained(request, spec, () => prepared.attach(request.program));
  try {
    const pins = choosePins(request, spec, links.length);
    const change = await beginChange(changeRequest(request, spec, [...prepared.undo, ...unpin(pins)], outcome));
    try {
      if (prepared.links === 0) explained(request, spec, () => prepared.attach(request.program));
      links.forEach((link, i) => pin(link, pins[i]!));
    } catch (error) {
      return await change.fail(error);
    }
    const made = links.map((link, i) => ({ id: linkInfo(link).id, pin: pins[i]! }));
    const { revertsAt } = await change.applied({ links: made });
    return { ...outcome, change: change.id, links: made, ...(revertsAt === undefined ? {} : { revertsAt }) };
  } finally {
    for (const link of links) link.close();
  }
}

/** Each program has a kind of its own: what one does can be undone whatever was attached since. */
const changeRequest = (request: AttachRequest, { text }: AttachSpec, revertSteps: readonly RevertStep[], { program: { id, name } }: Attached): ChangeRequest => ({
  kind: `attach ${id}`,
  summary: `attach ${name} (id ${id}) to ${text}`,
  argv: request.argv,
  ...(request.netns === undefined ? {} : { netns: request.netns }),
  ...(request.confirmWithinMs === undefined ? {} : { confirmWithinMs: request.confirmWithinMs }),
  files: {},
  revertSteps,
  diff: { before: '', after: `${text} ${name} (id ${id})\n` },
});

const unpin = (pins: readonly string[]): RevertStep[] => (pins.length === 0 ? [] : [{ title: 'detach the program', remove: pins }]);

function choosePins({ netns, program }: AttachRequest, { hook, text }: AttachSpec, count: number): string[] {
  if (count === 0) return [];
  const folder = linkFolder(ensureBpffs(), netnsInode(netns?.path));
  const chosen: string[] = [];
  for (let i = 0; i < count; i++) {
    const name = pinName([program.name, hook.name, text.slice(hook.name.length + 1)], (candidate) => chosen.includes(candidate) || existsSync(join(folder, candidate)));
    chosen.push(name);
  }
  return chosen.map((name) => join(folder, name));
}

/** Finds the hook and its target. */
function prepare({ hook, target }: AttachSpec, options: AttachOptions): Prepared {
  switch (target.kind) {
    case 'device': return prepareDevice(hook, target.name, options);
    case 'netfilter': return prepareNetfilter(target, options);
    case 'path': return prepareCgroup(hook, target.path, options);
    case 'map': return prepareSockmap(hook, target.reference);
    case 'tracepoint': return prepareTracepoint(target);
    case 'function': return prepareKprobe(hook, target);
    case 'functions': return prepareKprobes(hook, target);
    case 'places': return hook.kind === 'uprobe' ? prepareUprobe(hook, target) : prepareUprobes(hook, target);
    case 'counter': return prepareCounter(target);
    case 'iterator': return prepareIterator(target);
    case 'route': return prepareRoute(hook, target, options);
    default: return hook.kind === 'netns' ? prepareNetns(hook, options) : prepareNamed(hook, target);
  }
}

function prepareNamed(hook: Hook, target: AttachTarget & { kind: 'name' | 'none' }): Prepared {
  if (hook.kind === 'tracing' || target.kind === 'none') return prepareTracing(hook, target);
  return hook.kind === 'struct_ops' ? prepareStructOps(target.name) : prepareRawTracepoint(target.name);
}
