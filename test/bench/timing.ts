/** Whole commands beside each other: they take turns, so that what else the machine does hits all alike. */

import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { sluiceEnvironment } from '../support/sluice.ts';
import { figure, formatTable } from './table.ts';

export interface Timed {
  name: string;
  argv: readonly string[];
  /** File that becomes its standard input. */
  input?: string;
  /** Added to the environment of tests. */
  env?: Readonly<Record<string, string>>;
  /** What it is to end with. @default 0 */
  exitCode?: number;
}

export interface Timing {
  name: string;
  /** Wall time from start to end; the median of all turns, and the least. */
  medianMs: number;
  leastMs: number;
  /** Most resident memory in any turn, as far as a look every 25 ms shows; more would slow down what is measured. */
  peakMiB: number;
}

/** Runs all commands `turns` times in turns; output goes to /dev/null. @throws Error when one ends otherwise than it should. */
export async function timeCommands(commands: readonly Timed[], turns: number): Promise<Timing[]> {
  const runs = commands.map((): { ms: number; peakMiB: number }[] => []);
  for (let turn = 0; turn < turns; turn++) for (const [i, command] of commands.entries()) runs[i]!.push(await timeOne(command));
  return commands.map(({ name }, i) => {
    const sorted = runs[i]!.map(({ ms }) => ms).sort((a, b) => a - b);
    return { name, medianMs: sorted[Math.floor(turns / 2)]!, leastMs: sorted[0]!, peakMiB: Math.max(...runs[i]!.map(({ peakMiB }) => peakMiB)) };
  });
}

/** The timings as a table; `x first` is how many times as long as the first one takes. */
export function timingTable(timings: readonly Timing[]): string {
  const first = timings[0]!.medianMs;
  return formatTable(['COMMAND', 'ms', 'least ms', 'x first', 'peak MiB'], timings.map(({ name, medianMs, leastMs, peakMiB }) => [
    name, figure(medianMs), figure(leastMs), (medianMs / first).toFixed(2), figure(peakMiB),
  ]));
}

async function timeOne({ name, argv, input, env, exitCode = 0 }: Timed): Promise<{ ms: number; peakMiB: number }> {
  const stdin = openSync(input ?? '/dev/null', 'r');
  const start = performance.now();
  const child = spawn(argv[0]!, argv.slice(1), { stdio: [stdin, 'ignore', 'ignore'], env: sluiceEnvironment(env) });
  let peakMiB = 0;
  const watch = setInterval(() => (peakMiB = Math.max(peakMiB, residentPeakMiB(child.pid))), 25);
  const code = await new Promise<number | null>((resolve, reject) => child.on('error', reject).on('exit', resolve));
  const ms = performance.now() - start;
  clearInterval(watch);
  closeSync(stdin);
  if (code !== exitCode) throw new Error(`${name} ended with ${code}`);
  return { ms, peakMiB };
}

function residentPeakMiB(pid: number | undefined): number {
  try {
    return Number(/VmHWM:\s*(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1] ?? 0) / 1024;
  } catch {
    // It has just ended.
    return 0;
  }
}
