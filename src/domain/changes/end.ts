/** The end of a change, from any session: confirm, extend, roll back. */

import { BusyError, OperationError, UsageError } from '../../lib/errors.ts';
import { checkRevert, findScriptPrograms, runRevertScript, startTimer, stopTimer, unmountNamespace } from './apply.ts';
import { refuseHolder } from './busy.ts';
import { deadlineIn } from './clock.ts';
import { explainFileErrors } from './files.ts';
import { describe, isIn, listChanges, readChange, resolveId } from './inspect.ts';
import { isInForce, type Change, type ChangeRecord } from './model.ts';
import { revertFailed, tooLate } from './outcome.ts';
import { pathsOf } from './paths.ts';
import { leaveSlot, takeSlot } from './slot.ts';
import { readRecord, storeState } from './store.ts';
import { moveToken, readToken, type Token } from './token.ts';

/**
 * Makes a pending change stay. Confirming a confirmed change again does nothing. Without an id the only change that waits.
 *
 * @throws NotFoundError; UsageError when several wait and none is named; BusyError while it is being applied; OperationError SL4001 when it is already undone (7), SL4002
 *   when it could not be undone (8), SL4007 when its process died half way
 */
export async function confirmChange(named: string | undefined): Promise<Change> {
  return await explainFileErrors(async () => {
    const record = readRecord(await resolveId(named));
    const paths = pathsOf(record.id);
    for (;;) {
      const change = describe(record);
      if (change.state === 'confirmed') return change;
      const seen = armedToken(change, 'confirmed');
      if (seen === undefined || !moveToken(paths.run, seen, { kind: 'confirmed' })) continue;
      storeState(paths, 'confirmed');
      await stopTimer(record);
      await unmountNamespace(record.namespace);
      return describe(record);
    }
  });
}

/**
 * Gives a pending change at least `milliseconds` from now, and starts a new timer when the old one is gone.
 *
 * @throws as `confirmChange`; OperationError SL4007 when it has no timer, SL4006 when a new one does not start
 */
export async function extendChange(named: string | undefined, milliseconds: number): Promise<Change> {
  if (!(milliseconds >= 1000)) throw new UsageError('a change needs at least one second to be confirmed in');
  return await explainFileErrors(async () => {
    const id = await resolveId(named);
    const record = readRecord(id);
    const paths = pathsOf(id);
    for (;;) {
      const seen = armedToken(describe(record), 'extended');
      const deadline = Math.max(deadlineIn(milliseconds), seen?.deadline ?? 0);
      if (seen === undefined || !moveToken(paths.run, seen, { kind: 'armed', deadline })) continue;
      const change = await readChange(id);
      if (change.timerRunning !== false) return change;
      await startTimer({ ...record, timer: 'shell' }, paths, findScriptPrograms(), milliseconds);
      return await readChange(id);
    }
  });
}

/**
 * Undoes a change at once, also a confirmed one as long as it is the newest of its kind in its network namespace.
 *
 * @param dryRun only says whether it would be allowed; `kernel` also runs each step's own check
 * @throws NotFoundError; BusyError; OperationError SL4005 when it cannot be rolled back, SL4002 when a step failed (8),
 *   SL4000 when a step would fail
 */
export async function rollbackChange(named: string | undefined, { dryRun }: { dryRun?: 'client' | 'kernel' } = {}): Promise<Change> {
  return await explainFileErrors(async () => {
    const change = describe(readRecord(await resolveId(named)));
    await refuseRollback(change);
    if (dryRun === undefined) return await rollBack(change.record);
    if (dryRun === 'kernel') await checkRevert(change.record, pathsOf(change.record.id), findScriptPrograms());
    return change;
  });
}

async function rollBack(record: ChangeRecord): Promise<Change> {
  const { id, namespace } = record;
  takeSlot(namespace.inode, id, (holder) => {
    if (holder.id !== id) refuseHolder(holder);
  });
  try {
    const exitCode = await runRevertScript(pathsOf(id), 'rollback');
    const change = describe(record);
    if (exitCode === 0) return change;
    throw revertFailed(change, [`${change.revertScript} exited ${exitCode}`]);
  } finally {
    leaveSlot(namespace.inode, id);
  }
}

async function refuseRollback(change: Change): Promise<void> {
  const { id, kind, namespace } = change.record;
  if (!isInForce(change.state)) throw impossible(`change ${id} cannot be rolled back: it is ${change.state}`);
  const later = (await listChanges()).items.find(
    (other) =>
      other.record.kind === kind &&
      isIn(other, namespace.inode) &&
      other.record.createdAt > change.record.createdAt &&
      isInForce(other.state),
  );
  if (later === undefined) return;
  throw impossible(`change ${id} cannot be rolled back: change ${later.record.id} was made on top of it`, [
    `sluice change rollback ${later.record.id}`,
  ]);
}

function impossible(message: string, hints: readonly string[] = []): OperationError {
  return new OperationError(message, { code: 'SL4005', hints });
}

/** The token of a pending change, undefined when it was moved just now; throws the reason when the change does not wait. */
function armedToken(change: Change, wanted: 'confirmed' | 'extended'): (Token & { kind: 'armed' }) | undefined {
  const { id } = change.record;
  if (change.state === 'pending') {
    const token = readToken(pathsOf(id).run);
    if (token !== undefined) return token.kind === 'armed' ? token : undefined;
    throw new OperationError(`change ${id} has lost its run directory: its timer will revert it`, { code: 'SL4007' });
  }
  if (change.state === 'applying' && !change.interrupted) throw new BusyError(`change ${id} is still being applied`);
  if (change.state === 'revert-failed') throw revertFailed(change, []);
  if (change.state === 'reverting' || change.state === 'reverted' || change.state === 'rolled-back') throw tooLate(change, wanted);
  const reason = change.state === 'applying' ? 'it was cut off while it was applied' : `it is ${change.state}`;
  throw new OperationError(`change ${id} cannot be ${wanted}: ${reason}`, { code: 'SL4007', hints: [`sluice change rollback ${id}`] });
}
