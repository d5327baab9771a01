import type { Attachment, Ownership } from '../../bpf/index.ts';
import type { ProgramInfo } from '../../../kernel/bpf/index.ts';

/** A program in the kernel, with what is known around it. */
export interface Program {
  info: ProgramInfo;
  /** `sched_cls` and so on. */
  type: string;
  /** Name of its main function where type information has it; else what the kernel kept of the name. */
  fullName: string;
  memoryBytes: number;
  loadedAt: Date;
  /** Where it stands; `text` is for people. */
  attachments: (Attachment & { text: string })[];
  ownership: Ownership;
  /** Absent while nobody has the kernel count. */
  rate?: Rate;
}

/** A program with all that is told of one alone. */
export interface ProgramDetail extends Program {
  maps: UsedMap[];
  attachTo?: AttachTarget;
  /** What could not be read. */
  warnings: readonly string[];
}

/** A map that a program refers to. */
export interface UsedMap {
  id: number;
  name: string;
  type: string;
  maxEntries: number;
}

/** The function that a program was loaded for. */
export interface AttachTarget {
  function: string;
  btfId: number;
  /** `vmlinux` or a module; absent for a function of another program. */
  module?: string;
}

/** How often a program ran in some time, and how long. */
export interface Rate {
  runs: bigint;
  runsPerSecond: number;
  /** Mean of the runs in that time; absent where there was none. */
  nsPerRun?: number;
  /** Of one CPU. */
  cpuPercent: number;
}

/** What may be asked of the list. */
export interface ProgramFilter {
  /** Names of types. */
  types?: readonly string[] | undefined;
  owner?: string | undefined;
  /** Attached somewhere; attached nowhere. */
  attached?: boolean | undefined;
  /** Held by no process and no pin. */
  orphan?: boolean | undefined;
}

/** Whether a program is asked for. */
export function passes({ type, attachments, ownership }: Program, { types, owner, attached, orphan }: ProgramFilter): boolean {
  return (types === undefined || types.includes(type))
    && (owner === undefined || belongsTo(ownership, owner))
    && (attached !== true || attachments.length > 0)
    && (orphan !== true || ownership.orphan);
}

/** By the owner's name, or by a process or container that holds the program. */
function belongsTo({ owner, processes }: Ownership, wanted: string): boolean {
  return owner === wanted || processes.some(({ name, pid, container }) => name === wanted || String(pid) === wanted || (container !== undefined && wanted.startsWith(container.id)));
}

/** Counters of a program, which only ever grow. */
export type Counts = Pick<ProgramInfo, 'runs' | 'runTimeNs'>;

/** What happened between two readings; a program that was not there in the first has counted from zero. */
export function rateBetween(before: Counts = { runs: 0n, runTimeNs: 0n }, after: Counts, seconds: number): Rate {
  const runs = after.runs - before.runs;
  const ns = Number(after.runTimeNs - before.runTimeNs);
  return { runs, runsPerSecond: Number(runs) / seconds, cpuPercent: ns / 1e7 / seconds, ...(runs === 0n ? {} : { nsPerRun: ns / Number(runs) }) };
}
