/** Time and processes as the kernel tells them: no wall clock, which somebody may set while a timer waits. */

import { readFileSync } from 'node:fs';
import type { ProcessIdentity } from './model.ts';

/** Seconds since boot, time asleep included. @kernel fs/proc/uptime.c */
export function uptimeSeconds(): number {
  return Number.parseFloat(readFileSync('/proc/uptime', 'utf8'));
}

/** The deadline that lies `milliseconds` ahead, in whole seconds since boot, rounded up. */
export function deadlineIn(milliseconds: number): number {
  return Math.ceil(uptimeSeconds() + milliseconds / 1000);
}

/** Identity of this boot of the kernel. */
export function bootId(): string {
  return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
}

/** This process. */
export function ownIdentity(): ProcessIdentity {
  const identity = identityOf(process.pid);
  if (identity === undefined) throw new Error('/proc is not mounted');
  return identity;
}

/** The process that has this pid now; undefined when none has. */
export function identityOf(pid: number): ProcessIdentity | undefined {
  const startTicks = startTicksOf(String(pid));
  return startTicks === undefined ? undefined : { pid, startTicks };
}

/** True while exactly this process runs; a zombie does not. */
export function isAlive(identity: ProcessIdentity): boolean {
  return startTicksOf(String(identity.pid)) === identity.startTicks;
}

/** Reads a `PID TICKS` file that a script or `formatIdentity` wrote; undefined when there is none. */
export function readIdentity(path: string): ProcessIdentity | undefined {
  const [pid, startTicks] = (readText(path) ?? '').trim().split(' ');
  if (pid === undefined || startTicks === undefined || !/^\d+$/.test(pid)) return undefined;
  return { pid: Number(pid), startTicks };
}

/** The form in which scripts and sluice write a process down: `PID TICKS`. */
export function formatIdentity(identity: ProcessIdentity): string {
  return `${identity.pid} ${identity.startTicks}\n`;
}

function startTicksOf(pid: string): string | undefined {
  const stat = readText(`/proc/${pid}/stat`);
  // The command name is in parentheses and may hold spaces and parentheses itself: count from the last one.
  const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
  return fields === undefined || fields[0] === 'Z' ? undefined : fields[19];
}

function readText(path: string): string | undefined {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
}
