import { uptime } from 'node:os';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  isSwitchOn, linkInfo, mapInfo, mapTypeName, memoryBytes, openById, parseBtf, programFunction, programInfo, programTypeName, programTypeNames,
  readBtfObject, type PerfProgram, type ProgramInfo,
} from '../../../kernel/bpf/index.ts';
import type { Btf } from '../../../kernel/btf/index.ts';
import type { Fd } from '../../../kernel/syscalls/index.ts';
import { UsageError } from '../../../lib/errors.ts';
import {
  describeAttachment, findProgram, listAttachments, ownershipOf, readAll, readHolders, type Attachment, type Holders, type KnownObjects,
  type Reference,
} from '../../bpf/index.ts';
import { passes, rateBetween, type AttachTarget, type Program, type ProgramDetail, type ProgramFilter, type UsedMap } from './program.ts';

/** A list and whether all of it could be read. */
export interface ProgramListing {
  items: Program[];
  complete: boolean;
  warnings: readonly string[];
}

/** How long runs are counted for a list that is read once. */
const SAMPLE_MS = 200;
/** The kernel cuts names at this length. */
const MAX_NAME = 15;

/**
 * Reads all programs, by id. Rates come with them where somebody has the kernel count already: the first time from a second reading
 * shortly after, from then on since the time before.
 *
 * @throws UsageError for a type that does not exist; SyscallError EPERM without CAP_SYS_ADMIN.
 */
export function programReader(filter: ProgramFilter = {}): () => Promise<ProgramListing> {
  checkTypes(filter);
  let before: Reading | undefined;
  return async () => {
    const first = readPrograms();
    if (before === undefined && first.counting) await sleep(SAMPLE_MS);
    const since = before ?? first;
    before = before === undefined && first.counting ? readPrograms() : first;
    const items = toPrograms(before, before.counting ? since : undefined).filter((program) => passes(program, filter));
    return { items, complete: before.holders.warnings.length === 0, warnings: before.holders.warnings };
  };
}

function checkTypes({ types }: ProgramFilter): void {
  const known = programTypeNames();
  const wrong = types?.find((type) => !known.includes(type));
  if (wrong !== undefined) throw new UsageError(`there is no program type '${wrong}'`, { hints: [`types: ${known.slice(1).join(', ')}`] });
}

/** Everything that is read at one moment. */
interface Reading {
  atMs: number;
  programs: RawProgram[];
  attachments: Attachment[];
  holders: Holders;
  /** Whether the kernel counts runs. */
  counting: boolean;
}

interface RawProgram {
  info: ProgramInfo;
  memoryBytes: number;
  fullName: string;
}

function readPrograms(): Reading {
  const types = btfCache();
  const programs = [...readAll('program', (fd) => readProgram(fd, types))];
  const atMs = performance.now();
  const known = { programs: programs.map(({ info }) => info), links: [...readAll('link', linkInfo)] };
  const holders = readHolders(known);
  return { atMs, programs, attachments: readAttachments(known, holders), holders, counting: holders.countsRuns || isSwitchOn() };
}

function readProgram(fd: Fd, types: (id: number) => Btf | undefined): RawProgram {
  const info = programInfo(fd);
  const whole = info.name.length < MAX_NAME ? info.name : programFunction(fd, types);
  return { info, memoryBytes: memoryBytes(fd), fullName: whole ?? info.name };
}

/** Programs of one object share their types. */
function btfCache(): (id: number) => Btf | undefined {
  const known = new Map<number, Btf | undefined>();
  return (id) => {
    if (!known.has(id)) known.set(id, openBtf(id));
    return known.get(id);
  };
}

function openBtf(id: number): Btf | undefined {
  const object = readBtfObject(id);
  return object === undefined ? undefined : parseBtf(object);
}

function toPrograms({ atMs, programs, attachments, holders }: Reading, since: Reading | undefined): Program[] {
  const counts = new Map(since?.programs.map(({ info }) => [info.id, info]));
  const byProgram = Map.groupBy(attachments, ({ programId }) => programId);
  return programs.map((raw) => {
    const program = describe(raw, byProgram.get(raw.info.id) ?? [], holders);
    return since === undefined ? program : { ...program, rate: rateBetween(counts.get(raw.info.id), raw.info, (atMs - since.atMs) / 1000) };
  });
}

function describe({ info, ...rest }: RawProgram, attachments: readonly Attachment[], holders: Holders): Program {
  return {
    info, ...rest, type: programTypeName(info.type),
    loadedAt: new Date(Date.now() - uptime() * 1000 + Number(info.loadedAtNs / 1_000_000n)),
    attachments: attachments.map((attachment) => ({ ...attachment, text: describeAttachment(attachment) })),
    ownership: ownershipOf(holders, 'program', info.id, info.name),
  };
}

/** Links and hooks, and the perf events of processes that run a program without a link. */
function readAttachments(known: KnownObjects, { perfEvents }: Holders): Attachment[] {
  const attachments = listAttachments(known);
  const keyOf = ({ programId, hook, target }: Attachment): string => `${programId} ${hook} ${target}`;
  const seen = new Set(attachments.map(keyOf));
  return [...attachments, ...perfEvents.map(perfAttachment).filter((attachment) => !seen.has(keyOf(attachment)))];
}

const perfAttachment = ({ programId, kind, name, offset }: PerfProgram): Attachment => (
  { programId, hook: kind === 'raw_tracepoint' ? 'raw_tp' : kind, target: offset === 0n ? name : `${name}+0x${offset.toString(16)}`, gone: false });

/** One program, with its maps and what it was loaded for. @throws as `findObject` */
export function getProgram(reference: Reference): ProgramDetail {
  using program = findProgram(reference);
  const raw = readProgram(program.fd, openBtf);
  const known = { programs: [raw.info], links: [...readAll('link', linkInfo)] };
  const holders = readHolders(known);
  const attachTo = attachTarget(raw.info);
  return { ...describe(raw, readAttachments(known, holders).filter(({ programId }) => programId === raw.info.id), holders), maps: raw.info.mapIds.flatMap(readMap), warnings: holders.warnings, ...(attachTo === undefined ? {} : { attachTo }) };
}

function readMap(id: number): UsedMap[] {
  using fd = openById('map', id);
  if (fd === undefined) return [];
  const { name, type, maxEntries } = mapInfo(fd);
  return [{ id, name, type: mapTypeName(type), maxEntries }];
}

/** The function that a tracing or extension program was loaded for. */
function attachTarget({ attachTo: { btfId, typeId } }: ProgramInfo): AttachTarget | undefined {
  const object = btfId === 0 || typeId === 0 ? undefined : readBtfObject(btfId);
  if (object === undefined) return undefined;
  // A tracepoint is a type of its own, with a name before its name.
  return { function: parseBtf(object).type(typeId).name.replace(/^btf_trace_/, ''), btfId, ...(object.name === '' ? {} : { module: object.name }) };
}
