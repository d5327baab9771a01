import { readdirSync, readFileSync } from 'node:fs';
import { basename } from 'node:path';
import { descriptorKind, linkInfo, objectIds, openById, perfProgram, programInfo, type LinkInfo, type PerfProgram, type ProgramInfo } from '../../../kernel/bpf/index.ts';
import type { Fd } from '../../../kernel/syscalls/index.ts';
import { fdinfoId, listPins } from '../pins/inspect.ts';
import { readCgroup } from './cgroup.ts';
import { heldKey, type HeldKind, type HolderProcess, type Holders } from './holder.ts';

/** What a caller has read already. */
export interface KnownObjects {
  programs?: readonly ProgramInfo[] | undefined;
  links?: readonly LinkInfo[] | undefined;
}

/**
 * Finds what holds every BPF object of the machine: one pass over all descriptors, one over the mounted bpf file systems.
 *
 * Pins of other mount namespaces and descriptors that are under way in a socket are not seen, nor those of this process.
 *
 * @throws SyscallError EPERM without CAP_SYS_ADMIN.
 */
export function readHolders(known: KnownObjects = {}): Holders {
  const warnings: string[] = [];
  const links = known.links ?? [...readAll('link', linkInfo)];
  const programs = known.programs ?? [...readAll('program', programInfo)];
  const pins = [...listPins((warning) => warnings.push(warning))];
  const { held, perfEvents, countsRuns } = readDescriptors();
  return {
    processes: group(held), perfEvents, countsRuns, pins: group(pins.map(({ kind, id, path }) => [heldKey(kind, id), path])), warnings,
    links: group(links.map(({ programId, id }) => [programId, id])),
    programs: group(programs.flatMap(({ id, mapIds }) => mapIds.map((map): [number, number] => [map, id]))),
    maps: new Map(programs.map(({ id, mapIds }) => [id, mapIds])),
  };
}

/** What `read` tells of every object of a kind; those that end meanwhile are left out. */
export function* readAll<T>(kind: HeldKind, read: (fd: Fd) => T): Generator<T> {
  for (const id of objectIds(kind)) {
    using fd = openById(kind, id);
    if (fd !== undefined) yield read(fd);
  }
}

function group<K, V>(pairs: Iterable<readonly [K, V]>): Map<K, V[]> {
  const groups = new Map<K, V[]>();
  for (const [key, value] of pairs) {
    const values = groups.get(key);
    if (values === undefined) groups.set(key, [value]);
    else values.push(value);
  }
  return groups;
}

/** Everything found in one pass over the descriptors of all processes. */
interface Descriptors {
  held: [key: string, holder: HolderProcess][];
  perfEvents: (PerfProgram & { pid: number })[];
  countsRuns: boolean;
}

/** Only descriptors that have to do with BPF are looked into: any other costs a readlink. */
function readDescriptors(): Descriptors {
  const found: Descriptors = { held: [], perfEvents: [], countsRuns: false };
  for (const name of readdirSync('/proc')) if (/^\d+$/.test(name) && Number(name) !== process.pid) readProcess(Number(name), found);
  return found;
}

function readProcess(pid: number, found: Descriptors): void {
  const keys = new Set<string>();
  for (const fd of attempt(() => readdirSync(`/proc/${pid}/fd`), [])) {
    const kind = attempt(() => descriptorKind(`/proc/${pid}/fd/${fd}`), undefined);
    if (kind === 'statistics') found.countsRuns = true;
    else if (kind === 'perf-event') addPerfEvent(pid, Number(fd), keys, found);
    else if (kind !== undefined) keys.add(heldKey(kind, attempt(() => fdinfoId(`/proc/${pid}/fdinfo/${fd}`, kind), 0)));
  }
  const holder = keys.size === 0 ? undefined : describeProcess(pid);
  if (holder !== undefined) for (const key of keys) found.held.push([key, holder]);
}

function addPerfEvent(pid: number, fd: number, keys: Set<string>, { perfEvents }: Descriptors): void {
  const event = perfProgram(pid, fd);
  if (event === undefined) return;
  keys.add(heldKey('program', event.programId));
  perfEvents.push({ ...event, pid });
}

const INTERPRETERS = /^(node|MainThread|python[\d.]*|perl|ruby|sh|bash)$/;

function describeProcess(pid: number): HolderProcess {
  const comm = attempt(() => readFileSync(`/proc/${pid}/comm`, 'utf8').trim(), '?');
  const argv = INTERPRETERS.test(comm) ? attempt(() => readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0'), []) : [];
  return { pid, name: scriptName(argv) ?? comm, ...readCgroup(attempt(() => readFileSync(`/proc/${pid}/cgroup`, 'utf8'), '')) };
}

/** What an interpreter runs: the first word that is no option. sluice's own starter stands for it. */
function scriptName(argv: readonly string[]): string | undefined {
  const script = argv.slice(1).find((word) => word !== '' && !word.startsWith('-'));
  if (script === undefined) return undefined;
  return /\/bin\/start\.cjs$|\/sluice(\.js)?$/.test(script) ? 'sluice' : basename(script) || undefined;
}

/** Processes and descriptors end while they are read. */
function attempt<T>(work: () => T, otherwise: T): T {
  try {
    return work();
  } catch {
    return otherwise;
  }
}
