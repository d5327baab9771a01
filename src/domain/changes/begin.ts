/** The life of a change as the command that makes it sees it: begin, apply, applied or failed. */

import { rmSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { OperationError, UsageError } from '../../lib/errors.ts';
import { checkRevert, findScriptPrograms, mountNamespace, runRevertScript, startTimer, timerKind, unmountNamespace } from './apply.ts';
import { bootId, deadlineIn, formatIdentity, ownIdentity } from './clock.ts';
import { refuseHolder } from './busy.ts';
import { describe } from './inspect.ts';
import type { Actor, Change, ChangeRecord, ChangeRequest, Namespace } from './model.ts';
import { undoneError } from './outcome.ts';
import { explainFileErrors } from './files.ts';
import { findNamespace } from './namespace.ts';
import { pathsOf, type ChangePaths } from './paths.ts';
import { revertScript } from './revert-script.ts';
import { leaveSlot, takeSlot } from './slot.ts';
import { checkFileName, discardChange, reserveId, storeApplied, storeChange, storeState } from './store.ts';
import { timerScript } from './timer-script.ts';
import { createToken, moveToken, readToken, type Token } from './token.ts';

/** A change that is being applied. One of `applied` and `fail` ends it; dying instead leaves it to the timer. */
export interface OpenChange {
  readonly id: string;
  /** Absolute path of the directory with its record, data files and revert script. */
  readonly directory: string;

  /**
   * Says that everything is in place. Without a timer the change is confirmed; with one its whole window starts now.
   *
   * @throws OperationError SL4001, SL4002 when the deadline came first: the change is undone, or could not be
   */
  applied(details?: Readonly<Record<string, unknown>>): Promise<Change>;

  /**
   * Undoes the change at once because applying failed.
   *
   * @throws always: OperationError SL4001 (reverted, exit code 7) or SL4002 (revert failed, 8), with `error` as its cause
   */
  fail(error: unknown): Promise<never>;
}

/**
 * Prepares a change so that it is undone whatever happens next, and returns when it may be applied.
 *
 * By then the record, the data files and the revert script are on disk and synced, the revert is checked, no other change
 * in the same network namespace is under way, and the timer, if one is wanted, runs in a process of its own.
 *
 * @throws BusyError when another change there is unconfirmed or being applied; OperationError SL4000 when the revert would
 *   not work; UsageError for a request that makes no sense. Nothing is left behind then.
 */
export async function beginChange(request: ChangeRequest): Promise<OpenChange> {
  checkRequest(request);
  return await explainFileErrors(async () => {
    const id = reserveId();
    const namespace = findNamespace(request.netns, pathsOf(id).namespaceMount);
    try {
      takeSlot(namespace.inode, id, refuseHolder);
      const record = newRecord(id, request, namespace);
      await prepare(record, request, pathsOf(id));
      return openChange(record, pathsOf(id));
    } catch (error) {
      await unmountNamespace(namespace);
      discardChange(id);
      leaveSlot(namespace.inode, id);
      throw error;
    }
  });
}

async function prepare(record: ChangeRecord, request: ChangeRequest, paths: ChangePaths): Promise<void> {
  const programs = findScriptPrograms();
  writeFileSync(paths.owner, formatIdentity(record.owner));
  await mountNamespace(record.namespace);
  storeChange(record, {
    ...request.files,
    'before.txt': request.diff.before,
    'after.txt': request.diff.after,
    'revert.sh': revertScript(record, paths, programs),
    'timer.sh': timerScript(record, paths, programs),
  });
  storeState(paths, 'applying');
  await checkRevert(record, paths, programs);
  // The timer first: a process that dies between the two leaves one that ends the change, not a change that nobody ends.
  if (record.confirmWithinMs !== undefined) await startTimer(record, paths, programs, record.confirmWithinMs);
  createToken(paths.run, record.firstDeadline);
}

function openChange(record: ChangeRecord, paths: ChangePaths): OpenChange {
  return {
    id: record.id,
    directory: paths.directory,
    applied: async (details = {}) => await explainFileErrors(async () => await finishApplying(record, paths, details)),
    fail: (error) => abandon(record, paths, error),
  };
}

async function finishApplying(record: ChangeRecord, paths: ChangePaths, details: Readonly<Record<string, unknown>>): Promise<Change> {
  storeApplied(paths, { at: new Date().toISOString(), details });
  // The timer takes the token and then looks for this mark; we remove the mark and then look for the token. Whoever comes
  // second notices the other, and no step of ours comes after one of the revert.
  rmSync(paths.owner, { force: true });
  if (!finishToken(record, paths)) return await abandon(record, paths, new Error('the deadline came before it was applied'));
  storeState(paths, record.confirmWithinMs === undefined ? 'confirmed' : 'pending');
  if (record.confirmWithinMs === undefined) await unmountNamespace(record.namespace);
  leaveSlot(record.namespace.inode, record.id);
  return describe(record);
}

/** Confirms the change, or starts its window anew when it has a timer; false when somebody took the token. */
function finishToken({ confirmWithinMs }: ChangeRecord, { run }: ChangePaths): boolean {
  for (;;) {
    const seen = readToken(run);
    if (seen?.kind !== 'armed') return false;
    const wanted: Token =
      confirmWithinMs === undefined
        ? { kind: 'confirmed' }
        : { kind: 'armed', deadline: Math.max(deadlineIn(confirmWithinMs), seen.deadline ?? 0) };
    if (moveToken(run, seen, wanted)) return true;
  }
}

async function abandon(record: ChangeRecord, paths: ChangePaths, error: unknown): Promise<never> {
  rmSync(paths.owner, { force: true });
  await runRevertScript(paths, 'failed');
  leaveSlot(record.namespace.inode, record.id);
  throw undoneError(describe(record), error);
}

function newRecord(id: string, request: ChangeRequest, namespace: Namespace): ChangeRecord {
  const timed = request.confirmWithinMs;
  return {
    version: 1,
    id,
    kind: request.kind,
    summary: request.summary,
    argv: request.argv,
    actor: actor(),
    node: hostname(),
    namespace,
    createdAt: new Date().toISOString(),
    bootId: bootId(),
    owner: ownIdentity(),
    ...(timed === undefined ? {} : { confirmWithinMs: timed, firstDeadline: deadlineIn(timed), timer: timerKind() }),
    revertSteps: request.revertSteps,
    files: Object.keys(request.files),
  };
}

function actor(): Actor {
  const ssh = process.env['SSH_CONNECTION'];
  const user = process.env['SUDO_USER'] ?? process.env['USER'] ?? 'root';
  return { uid: process.getuid?.() ?? 0, user, ...(ssh === undefined ? {} : { ssh }) };
}

function checkRequest(request: ChangeRequest): void {
  const { confirmWithinMs, files, revertSteps } = request;
  if (confirmWithinMs !== undefined && !(confirmWithinMs >= 1000)) {
    throw new UsageError('a change needs at least one second to be confirmed in');
  }
  for (const name of Object.keys(files)) checkFileName(name);
  for (const step of revertSteps) {
    if ('argv' in step && step.stdinFile !== undefined && !Object.hasOwn(files, step.stdinFile)) {
      throw new OperationError(`revert step '${step.title}' reads a file that is not stored: ${step.stdinFile}`, { code: 'SL4000' });
    }
  }
}
