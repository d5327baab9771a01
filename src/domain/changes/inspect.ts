/** Changes as they are now. */

import { need, run } from '../../tools/index.ts';
import { NotFoundError, UsageError } from '../../lib/errors.ts';
import { bootId, isAlive, readIdentity, uptimeSeconds } from './clock.ts';
import { diffLines } from './diff.ts';
import { isUnfinished, type Change, type ChangeDetail, type ChangeRecord, type ChangeRequest } from './model.ts';
import { findNamespace, isReachable } from './namespace.ts';
import { pathsOf, type ChangePaths } from './paths.ts';
import { stateOf } from './state.ts';
import { listIds, readApplied, readOrUndefined, readRecord, readState } from './store.ts';
import { unitOf } from './timer.ts';
import { readToken, type Token } from './token.ts';

/**
 * All changes, or those of one network namespace, newest first, with a warning for each that cannot be read.
 *
 * @throws PermissionError; NotFoundError when there is no such namespace
 */
export async function listChanges(scope: Pick<ChangeRequest, 'netns'> = {}): Promise<{ items: Change[]; complete: boolean; warnings: string[] }> {
  const inode = scope.netns === undefined ? undefined : findNamespace(scope.netns, '').inode;
  const warnings: string[] = [];
  const items: Change[] = [];
  for (const id of listIds()) {
    try {
      const change = await readChange(id);
      if (inode === undefined || isIn(change, inode)) items.push(change);
    } catch (error) {
      // One that is being discarded just now is no news; any other is.
      if (!(error instanceof NotFoundError)) warnings.push((error as Error).message);
    }
  }
  items.sort((a, b) => order(b) - order(a) || (a.record.id < b.record.id ? -1 : 1));
  return { items, complete: warnings.length === 0, warnings };
}

/** One change. @throws NotFoundError, PermissionError; OperationError when its record is damaged */
export async function readChange(id: string): Promise<Change> {
  const change = describe(readRecord(id));
  if (change.revertsInSeconds === undefined) return change;
  return { ...change, timerRunning: await isTimerRunning(change.record) };
}

/** One change with its diff and log. @throws as `readChange` */
export async function getChange(id: string): Promise<ChangeDetail> {
  const change = await readChange(id);
  const paths = pathsOf(id);
  const log = readOrUndefined(paths.log)?.trimEnd() ?? '';
  return {
    ...change,
    diff: diffLines(readOrUndefined(paths.before) ?? '', readOrUndefined(paths.after) ?? ''),
    log: log === '' ? [] : log.split('\n'),
  };
}

/**
 * The id to act on: the given one, or that of the only change that waits for a confirmation.
 *
 * @throws NotFoundError when none waits; UsageError when several do
 */
export async function resolveId(id: string | undefined): Promise<string> {
  if (id !== undefined) return id;
  const waiting = (await listChanges()).items.filter(({ state }) => isUnfinished(state));
  const [only, second] = waiting;
  if (only === undefined) throw new NotFoundError('no change waits for a confirmation', { hints: ['sluice change list'] });
  if (second === undefined) return only.record.id;
  throw new UsageError('several changes wait: name one', { causes: waiting.map(({ record }) => `${record.id} ${record.summary}`) });
}

/** The state of a change from its files alone, without asking systemd about its timer. */
export function describe(record: ChangeRecord): Change {
  const paths = pathsOf(record.id);
  const token = readToken(paths.run);
  const applied = readApplied(paths);
  const left = secondsLeft(record, token);
  return {
    record,
    ...stateOf({ ...readTraces(record, paths), token }),
    ...(left === undefined ? {} : { revertsInSeconds: left, revertsAt: new Date(Date.now() + left * 1000).toISOString() }),
    ...(applied === undefined ? {} : { applied }),
    ageSeconds: Math.max(0, Math.floor((Date.now() - Date.parse(record.createdAt)) / 1000)),
    directory: paths.directory,
    revertScript: paths.revertScript,
  };
}

function readTraces(record: ChangeRecord, paths: ChangePaths) {
  return {
    lastState: readState(paths),
    sameBoot: record.bootId === bootId(),
    ownerMarked: readIdentity(paths.owner) !== undefined,
    ownerAlive: isAlive(record.owner),
    revertAlive: runs(paths.revertProcess),
    timerAlive: runs(paths.timerProcess),
  };
}

function runs(identityFile: string): boolean {
  const identity = readIdentity(identityFile);
  return identity !== undefined && isAlive(identity);
}

function secondsLeft(record: ChangeRecord, token: Token | undefined): number | undefined {
  if (token?.kind !== 'armed' || token.deadline === undefined || record.bootId !== bootId()) return undefined;
  return Math.max(0, Math.ceil(token.deadline - uptimeSeconds()));
}

async function isTimerRunning(record: ChangeRecord): Promise<boolean> {
  if (runs(pathsOf(record.id).timerProcess)) return true;
  if (record.timer !== 'systemd') return false;
  const { exitCode } = await run([need('systemctl'), 'is-active', '--quiet', `${unitOf(record.id)}.timer`], { allowFailure: true });
  return exitCode === 0;
}

/** Whether a change is for the namespace that has this inode now; one that is gone may have had it before. */
export function isIn({ record: { namespace } }: Change, inode: number): boolean {
  return namespace.inode === inode && isReachable(namespace);
}

function order(change: Change): number {
  return Date.parse(change.record.createdAt);
}
