/** perf events that programs can be attached to: tracepoints, probes in the kernel and in programs, and counters. */

import { readFileSync } from 'node:fs';
import { NotFoundError, UnsupportedError } from '../../lib/errors.ts';
import { address, type Fd, openFileSystem, openPerfEvent } from '../syscalls/index.ts';

/** PERF_ATTR_SIZE_VER5, which every supported kernel knows. */
const ATTR_BYTES = 112;
const PERF_TYPE_HARDWARE = 0;
const PERF_TYPE_SOFTWARE = 1;
const PERF_TYPE_TRACEPOINT = 2;
/** `freq` in the flags of `struct perf_event_attr`. */
const FREQUENCY = 1n << 10n;
const SOURCES = '/sys/bus/event_source/devices';
/** A probe is one event, on whichever CPU it is hit. */
const EVERY_PROCESS = { pid: -1, cpu: 0 };

/** Counters by the names that perf(1) gives them: `[type, config]`. @kernel linux/perf_event.h enum perf_hw_id, perf_sw_ids */
export const COUNTERS: Readonly<Record<string, readonly [type: number, config: number]>> = {
  'cpu-cycles': [PERF_TYPE_HARDWARE, 0], instructions: [PERF_TYPE_HARDWARE, 1], 'cache-references': [PERF_TYPE_HARDWARE, 2],
  'cache-misses': [PERF_TYPE_HARDWARE, 3], 'branch-instructions': [PERF_TYPE_HARDWARE, 4], 'branch-misses': [PERF_TYPE_HARDWARE, 5],
  'cpu-clock': [PERF_TYPE_SOFTWARE, 0], 'task-clock': [PERF_TYPE_SOFTWARE, 1], 'page-faults': [PERF_TYPE_SOFTWARE, 2],
  'context-switches': [PERF_TYPE_SOFTWARE, 3], 'cpu-migrations': [PERF_TYPE_SOFTWARE, 4],
};

/**
 * Opens the tracepoint `category/name`. The caller closes it; a link keeps it.
 *
 * @throws NotFoundError when there is none of that name.
 */
export function openTracepoint(category: string, name: string): Fd {
  const id = readTracing(`events/${category}/${name}/id`);
  if (id === undefined) throw new NotFoundError(`no tracepoint ${category}/${name}`, { hints: ['bpftrace -l, perf list, or the folders in tracefs events/'] });
  return openPerfEvent(eventAttr({ type: PERF_TYPE_TRACEPOINT, config: BigInt(id.trim()) }), EVERY_PROCESS);
}

/** A file of tracefs, wherever that is mounted, or if it is not; undefined when there is no such file. */
export function readTracing(path: string): string | undefined {
  using tracing = openFileSystem('tracefs');
  return readText(`/proc/self/fd/${tracing.number}/${path}`);
}

/** Where a probe stands: `place` is a function of the kernel or the path of a program. */
export interface Probe {
  source: 'kprobe' | 'uprobe';
  place: string;
  offset: bigint;
  onReturn: boolean;
  /** Only in this process; in every one when absent. Not for kprobes. */
  pid?: number;
}

/**
 * Opens a probe at the beginning, or the return, of a function.
 *
 * @throws UnsupportedError on a kernel without CONFIG_KPROBE_EVENTS or CONFIG_UPROBE_EVENTS; SyscallError ENOENT, EINVAL where
 *   nothing can be probed. @kernel Documentation/trace/kprobes.rst; kernel/events/core.c perf_kprobe, perf_uprobe
 */
export function openProbe({ source, place, offset, onReturn, pid }: Probe): Fd {
  const type = readText(`${SOURCES}/${source}/type`);
  if (type === undefined) throw new UnsupportedError(`a ${source}`, { needs: `a kernel built with CONFIG_${source.toUpperCase()}_EVENTS` });
  const bit = /^config:(\d+)/.exec(readText(`${SOURCES}/${source}/format/retprobe`) ?? '')?.[1] ?? '0';
  const attr = eventAttr({ type: Number(type), config: onReturn ? 1n << BigInt(bit) : 0n, text: place, config2: offset });
  return openPerfEvent(attr, pid === undefined ? EVERY_PROCESS : { pid, cpu: -1 });
}

/**
 * Opens a counter on one CPU that goes off `frequency` times a second.
 *
 * @throws SyscallError ENOENT, EOPNOTSUPP where the machine does not count it.
 */
export function openCounter([type, config]: readonly [number, number], frequency: number, cpu: number): Fd {
  return openPerfEvent(eventAttr({ type, config: BigInt(config), sample: BigInt(frequency), flags: FREQUENCY }), { pid: -1, cpu });
}

/** CPUs that are switched on. */
export function onlineCpus(): number[] {
  return readFileSync('/sys/devices/system/cpu/online', 'latin1').trim().split(',').flatMap((range) => {
    const [first = 0, last = first] = range.split('-').map(Number);
    return Array.from({ length: last - first + 1 }, (_, i) => first + i);
  });
}

interface EventAttr {
  type: number;
  config: bigint;
  /** Period, or frequency with FREQUENCY. */
  sample?: bigint;
  flags?: bigint;
  /** What `config1` points to. */
  text?: string;
  config2?: bigint;
}

/** The text stands behind the structure, so that both live as long as each other. */
function eventAttr({ type, config, sample = 0n, flags = 0n, text, config2 = 0n }: EventAttr): Buffer {
  const attr = Buffer.concat([Buffer.alloc(ATTR_BYTES), Buffer.from(`${text ?? ''}\0`)]);
  const config1 = text === undefined ? 0n : address(attr) + BigInt(ATTR_BYTES);
  attr.writeUInt32LE(type, 0);
  attr.writeUInt32LE(ATTR_BYTES, 4);
  for (const [offset, value] of [[8, config], [16, sample], [40, flags], [56, config1], [64, config2]] as const) attr.writeBigUInt64LE(value, offset);
  return attr;
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return undefined;
  }
}
