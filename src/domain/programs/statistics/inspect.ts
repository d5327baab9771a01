import { setTimeout as sleep } from 'node:timers/promises';
import { programInfo, programTypeName, switchStatisticsOn, type ProgramInfo } from '../../../kernel/bpf/index.ts';
import { findProgram, readAll, type Reference } from '../../bpf/index.ts';
import { rateBetween, type Rate } from '../list/program.ts';

/** What a program did while runs were counted. */
export interface ProgramStatistics extends Rate {
  id: number;
  type: string;
  name: string;
  /** Runs that were left out because the program was at work on the same CPU. */
  recursionMisses: bigint;
}

/**
 * Has the kernel count runs for some time, and leaves the switch as it was. Only programs that ran are told, the busiest first,
 * unless one is asked for.
 *
 * @throws as `findObject`; SyscallError EPERM without CAP_SYS_ADMIN.
 */
export async function measurePrograms(reference: Reference | undefined, durationMs: number): Promise<ProgramStatistics[]> {
  using one = reference === undefined ? undefined : findProgram(reference);
  const read = (): ProgramInfo[] => (one === undefined ? [...readAll('program', programInfo)] : [one.info()]);
  using _counting = switchStatisticsOn();
  const [before, from] = [new Map(read().map((info) => [info.id, info])), performance.now()];
  await sleep(durationMs);
  const [after, seconds] = [read(), (performance.now() - from) / 1000];
  const all = after.map((info) => compare(before.get(info.id), info, seconds));
  return all.filter(({ runs }) => one !== undefined || runs > 0n).sort((a, b) => b.cpuPercent - a.cpuPercent || a.id - b.id);
}

const compare = (before: ProgramInfo | undefined, after: ProgramInfo, seconds: number): ProgramStatistics => ({
  id: after.id, type: programTypeName(after.type), name: after.name, ...rateBetween(before, after, seconds),
  recursionMisses: after.recursionMisses - (before?.recursionMisses ?? 0n),
});
