/** How an undone change is reported. */

import { OperationError } from '../../lib/errors.ts';
import type { Change } from './model.ts';

/** The error for a change that was to stay and did not: exit code 7 when the node is as before, 8 when it may not be. */
export function undoneError(change: Change, cause: unknown): OperationError {
  const why = cause instanceof Error ? cause.message : String(cause);
  if (change.state === 'reverted' || change.state === 'rolled-back') {
    return new OperationError(`change ${change.record.id} was reverted: ${why}`, {
      code: 'SL4001',
      reason: 'reverted',
      causes: ['the node is as it was before'],
      details: { change: change.record.id, state: change.state },
      cause,
    });
  }
  return revertFailed(change, [why], cause);
}

/** The error for a request that came after the change was undone, or while it is: exit code 7. */
export function tooLate({ record, state }: Change, wanted: 'confirmed' | 'extended'): OperationError {
  const what = state === 'reverting' ? 'it is being reverted' : `it was ${state === 'rolled-back' ? 'rolled back' : 'reverted'}`;
  return new OperationError(`change ${record.id} cannot be ${wanted}: ${what}`, {
    code: 'SL4001',
    reason: 'reverted',
    hints: [`sluice change get ${record.id}`],
    details: { change: record.id, state },
  });
}

/** The error for a node in an unknown state; it names the script to run and the log to read. */
export function revertFailed(change: Change, causes: readonly string[], cause?: unknown): OperationError {
  return new OperationError(`change ${change.record.id} could not be reverted: the node is in an unknown state`, {
    code: 'SL4002',
    reason: 'revert-failed',
    causes: [...causes, `log: ${change.directory}/revert.log`],
    hints: [`sh ${change.revertScript}`],
    details: { change: change.record.id, state: change.state, revertScript: change.revertScript },
    cause,
  });
}
