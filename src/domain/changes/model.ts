/**
 * A change: one mutation of the node with what undoes it.
 *
 * What a change *is* never changes after it began and stands in `change.json` (`ChangeRecord`). What has *become* of it is
 * one file name in the run directory, the token, because renaming a file decides a race between two sessions exactly.
 */

/** What a change is, as stored in `change.json`. */
export interface ChangeRecord {
  version: 1;
  /** `c-` and four hexadecimal digits. */
  id: string;
  /** Subject that made it, such as `migrate`; only the newest change of a kind can be rolled back. */
  kind: string;
  /** One line for people. */
  summary: string;
  /** The command line that was typed. */
  argv: readonly string[];
  actor: Actor;
  node: string;
  namespace: Namespace;
  /** RFC 3339, UTC. */
  createdAt: string;
  /** `/proc/sys/kernel/random/boot_id`: what lives in the kernel does not outlive it. */
  bootId: string;
  /** Process that applies it. */
  owner: ProcessIdentity;
  /** How long it waits for a confirmation; absent when it was not asked to wait. */
  confirmWithinMs?: number;
  /** Deadline with which the timer was armed at first, in whole seconds since boot (`/proc/uptime`). */
  firstDeadline?: number;
  timer?: 'systemd' | 'shell';
  revertSteps: readonly RevertStep[];
  /** Names of the data files beside `change.json`. */
  files: readonly string[];
}

/** What `change.applied()` adds, as stored in `applied.json`. */
export interface AppliedRecord {
  /** RFC 3339, UTC. */
  at: string;
  details: Readonly<Record<string, unknown>>;
}

export interface Actor {
  uid: number;
  /** Who is behind sudo when there is one. */
  user: string;
  /** `SSH_CONNECTION` of the session: client address, client port, server address, server port. */
  ssh?: string;
}

/** A process that cannot be confused with a later one of the same pid. */
export interface ProcessIdentity {
  pid: number;
  /** Start time in clock ticks since boot, field 22 of `/proc/PID/stat`. */
  startTicks: string;
}

/** The network namespace a change is for. */
export interface Namespace {
  /** Inode number of the namespace, as in `net:[4026531840]`; the kernel gives it to another one when this one is gone. */
  inode: number;
  /** True for the namespace of PID 1. */
  host: boolean;
  /** Where the revert script enters it. While something is mounted there the inode is not given to another namespace. */
  path: string;
  /** What the user calls it; `-` for the node's own. */
  label: string;
  /** A process inside, for a namespace without a name. The change mounts it at `path` until it is confirmed or undone. */
  process?: ProcessIdentity;
}

/** One thing that the revert does. Every step must leave the same result when it is repeated. */
export type RevertStep = CommandStep | RemoveStep;

/** A program by absolute path and its arguments. */
export type Argv = readonly [program: string, ...rest: string[]];

export interface CommandStep {
  title: string;
  argv: Argv;
  /** Data file whose content is its standard input. */
  stdinFile?: string;
  /** Command that proves, before anything is applied, that the step would work; it gets the same standard input. */
  check?: Argv;
  /** The revert counts as done even when this step fails. */
  tolerateFailure?: boolean;
}

export interface RemoveStep {
  title: string;
  /** Absolute paths to unlink in this order, such as pins in bpffs; an empty directory is removed too. */
  remove: readonly string[];
}

/**
 * What has become of a change.
 *
 * `applying` it is being carried out, or its process died while doing so; `pending` applied, the timer runs;
 * `confirmed` stays; `reverting` the revert script runs; `reverted` undone because nobody confirmed or applying failed;
 * `rolled-back` undone because somebody asked; `revert-failed` a revert step failed or the revert was cut off;
 * `lost-at-reboot` the node has restarted since.
 */
export type ChangeState =
  | 'applying'
  | 'pending'
  | 'confirmed'
  | 'reverting'
  | 'reverted'
  | 'rolled-back'
  | 'revert-failed'
  | 'lost-at-reboot';

/** A change with what has become of it. */
export interface Change {
  record: ChangeRecord;
  state: ChangeState;
  /** True for an `applying` change whose process is gone: the node may be half changed. */
  interrupted: boolean;
  /** Seconds until the timer reverts it; absent when no timer waits. Never negative. */
  revertsInSeconds?: number;
  /** The same as RFC 3339 UTC time of day, for people: the timer itself does not go by the clock. */
  revertsAt?: string;
  /** False when a timer should be waiting and is not: nothing will revert this change. */
  timerRunning?: boolean;
  /** Seconds since it began. */
  ageSeconds: number;
  applied?: AppliedRecord;
  /** Absolute path of the directory with everything about it. */
  directory: string;
  /** Absolute path of the script that undoes it. */
  revertScript: string;
}

/** A change with everything that `change get` shows. */
export interface ChangeDetail extends Change {
  diff: readonly DiffLine[];
  /** Lines of `revert.log`, oldest first. */
  log: readonly string[];
}

/** A line that the change removed (`-`), added (`+`) or a count of equal lines between (`=`). */
export interface DiffLine {
  sign: '-' | '+' | '=';
  text: string;
}

/** What the caller of `beginChange` knows. */
export interface ChangeRequest {
  kind: string;
  summary: string;
  argv: readonly string[];
  /** Another network namespace than the caller's own. */
  netns?: { path: string; label: string };
  /** Revert this many milliseconds after `applied()` unless confirmed; absent: no timer, confirmed when applied. */
  confirmWithinMs?: number;
  /** Data files by name, mostly the standard input of revert steps. */
  files: Readonly<Record<string, string | Uint8Array>>;
  revertSteps: readonly RevertStep[];
  /** What the change does, as two texts that are compared line by line. */
  diff: { before: string; after: string };
}

/** States in which a change still waits for its end and blocks others in its namespace. */
export function isUnfinished(state: ChangeState): boolean {
  return state === 'applying' || state === 'pending' || state === 'reverting';
}

/** States in which what the change did is on the node, wholly or in part. */
export function isInForce(state: ChangeState): boolean {
  return isUnfinished(state) || state === 'confirmed' || state === 'revert-failed';
}
