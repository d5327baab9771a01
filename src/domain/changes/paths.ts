/** Where changes live on disk. */

import { join } from 'node:path';

/** Lasts over a restart: records, snapshots, revert scripts. `SLUICE_STATE_DIR` moves it. */
export function changesDirectory(): string {
  return join(process.env['SLUICE_STATE_DIR'] ?? '/var/lib/sluice', 'changes');
}

/** Empty after a restart: tokens, timers, slots. `SLUICE_RUN_DIR` moves it. */
export function runDirectory(): string {
  return process.env['SLUICE_RUN_DIR'] ?? '/run/sluice';
}

/** Every path that belongs to one change. */
export interface ChangePaths {
  /** Lasting directory with record, data files, scripts and log. */
  directory: string;
  record: string;
  applied: string;
  /** Last known state, one word and the time: what is left of the token after a restart. */
  state: string;
  before: string;
  after: string;
  revertScript: string;
  timerScript: string;
  log: string;
  /** Directory in the run directory: token, owner, timer and revert process. */
  run: string;
  /** Identity of the process that applies; gone when it has finished. */
  owner: string;
  timerProcess: string;
  revertProcess: string;
  /** Mount point that keeps a namespace without a name while the change waits. */
  namespaceMount: string;
}

/** Paths of the change `id`. */
export function pathsOf(id: string): ChangePaths {
  return pathsIn(join(changesDirectory(), id), join(runDirectory(), 'changes', id));
}

function pathsIn(directory: string, run: string): ChangePaths {
  return {
    directory,
    record: join(directory, 'change.json'),
    applied: join(directory, 'applied.json'),
    state: join(directory, 'state'),
    before: join(directory, 'before.txt'),
    after: join(directory, 'after.txt'),
    revertScript: join(directory, 'revert.sh'),
    timerScript: join(directory, 'timer.sh'),
    log: join(directory, 'revert.log'),
    run,
    owner: join(run, 'owner'),
    timerProcess: join(run, 'timer'),
    revertProcess: join(run, 'revert'),
    namespaceMount: join(run, 'netns'),
  };
}

/** File names in a change's directory that data files may not take. */
export const RESERVED_NAMES: ReadonlySet<string> = new Set([
  'change.json',
  'applied.json',
  'state',
  'state.new',
  'before.txt',
  'after.txt',
  'revert.sh',
  'timer.sh',
  'revert.log',
]);
