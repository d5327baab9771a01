import { readFileSync } from 'node:fs';
import { NotFoundError, OperationError, UnsupportedError } from '../../../../lib/errors.ts';
import {
  attachIterator, attachPerfEvent, attachRawTracepoint, attachStructOps, attachTracing, linkInfo, type Attachable,
} from '../../../../kernel/bpf/index.ts';
import { COUNTERS, onlineCpus, openCounter, openTracepoint } from '../../../../kernel/perf/index.ts';
import { openFileSystem, type Fd } from '../../../../kernel/syscalls/index.ts';
import { functionOfLink, type Hook } from '../../../bpf/index.ts';
import { oneLink, type AttachOptions, type Prepared } from '../prepared.ts';
import { openDirectory, openTargetMap } from '../socket/apply.ts';
import type { AttachTarget } from '../target.ts';

/** A tracepoint of the kernel. @throws NotFoundError when there is none of that name. */
export function prepareTracepoint({ category, name }: AttachTarget & { kind: 'tracepoint' }): Prepared {
  const event = openTracepoint(category, name);
  return oneLink((program) => attachPerfEvent(program, event), event);
}

export const prepareRawTracepoint = (name: string): Prepared => oneLink((program) => attachRawTracepoint(program, name));

/**
 * The function that the program was loaded for.
 *
 * @throws UnsupportedError for lsm where the kernel does not ask BPF programs; when attaching, OperationError SL2505 where the
 *   user named another function than the program was loaded for.
 */
export function prepareTracing({ name }: Hook, target: AttachTarget): Prepared {
  if (name.startsWith('lsm')) checkLsm();
  return oneLink((program) => attachToFunction(program, target.kind === 'name' ? target.name : undefined));
}

function attachToFunction(program: Attachable, wanted: string | undefined): Fd {
  const link = attachTracing(program);
  const actual = wanted === undefined ? undefined : functionOfLink(linkInfo(link).place);
  if (actual === undefined || actual === wanted) return link;
  link.close();
  throw new OperationError(`${program.name} was loaded for ${actual}, not for ${wanted}`, {
    code: 'SL2505', reason: 'usage', hints: ['load it for another function: change its SEC(), and load it again'],
  });
}

/** The kernel lets LSM programs be attached even where it never calls them. @throws UnsupportedError SL2503 */
export function checkLsm(): void {
  using security = openFileSystem('securityfs');
  const active = readFileSync(`/proc/self/fd/${security.number}/lsm`, 'latin1').trim();
  if (active.split(',').includes('bpf')) return;
  throw new UnsupportedError('lsm', { needs: 'bpf in the list of active security modules', code: 'SL2503', causes: [`active are: ${active}`], hints: [`boot with lsm=${active},bpf`] });
}

/** A counter on every CPU: one link each. @throws NotFoundError for one of another name. */
export function prepareCounter({ event, frequency }: AttachTarget & { kind: 'counter' }): Prepared {
  const counter = COUNTERS[event];
  if (counter === undefined) throw new NotFoundError(`no counter ${event}`, { code: 'SL2504', hints: [Object.keys(COUNTERS).join(', ')] });
  const events = openEach(onlineCpus(), (cpu) => openCounter(counter, frequency, cpu));
  return {
    links: events.length, undo: [], attach: (program) => openEach(events, (opened) => attachPerfEvent(program, opened)),
    close: () => events.forEach((opened) => opened.close()),
  };
}

/** All or none. */
function openEach<T>(items: readonly T[], open: (item: T) => Fd): Fd[] {
  const opened: Fd[] = [];
  try {
    for (const item of items) opened.push(open(item));
    return opened;
  } catch (error) {
    for (const fd of opened) fd.close();
    throw error;
  }
}

/** An iterator. @throws NotFoundError when what it is to walk does not exist. */
export function prepareIterator({ over }: AttachTarget & { kind: 'iterator' }, options: AttachOptions): Prepared {
  if (over === undefined) return oneLink((program) => attachIterator(program));
  if (over.what === 'pid') return oneLink((program) => attachIterator(program, { pid: Number(over.which) }));
  if (over.what === 'cgroup') return iterateCgroup(openDirectory(over.which));
  const { map, opened } = openTargetMap(over.which, options);
  return oneLink((program) => attachIterator(program, { map: map.fd }), ...opened);
}

const iterateCgroup = (cgroup: Fd): Prepared => oneLink((program) => attachIterator(program, { cgroup }), cgroup);

/** The functions of a struct_ops map; the program that is given does not matter. @throws NotFoundError */
export function prepareStructOps(reference: string, options: AttachOptions): Prepared {
  const { map, opened } = openTargetMap(reference, options);
  return oneLink(() => attachStructOps({ fd: map.fd, name: map.spec.name }), ...opened);
}
