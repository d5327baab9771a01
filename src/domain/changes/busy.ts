/** Who must not be pushed aside. */

import { BusyError } from '../../lib/errors.ts';
import { isAlive } from './clock.ts';
import { describe } from './inspect.ts';
import { isUnfinished, type Change } from './model.ts';
import { isReachable } from './namespace.ts';
import type { Holder } from './slot.ts';
import { isStored, readRecord } from './store.ts';

/** Asked about who has the slot: pushes aside what has ended, refuses for the rest. @throws BusyError */
export function refuseHolder(holder: Holder): void {
  const { id, process } = holder;
  const change = isStored(id) ? describe(readRecord(id)) : undefined;
  // The slot is known by the namespace's inode, which a dead namespace leaves to the next.
  if (change !== undefined && !isReachable(change.record.namespace)) return;
  if (process !== undefined && isAlive(process)) {
    throw new BusyError(`another sluice (pid ${process.pid}) is working on change ${id}`, { code: 'SL4004' });
  }
  if (change !== undefined && isUnfinished(change.state)) throw unfinished(change);
}

function unfinished({ interrupted, record, state }: Change): BusyError {
  const rollback = `sluice change rollback ${record.id}`;
  return new BusyError(
    interrupted ? `change ${record.id} was cut off while it was applied` : `change ${record.id} is not confirmed yet (${state})`,
    { code: 'SL4003', causes: [record.summary], hints: interrupted ? [rollback] : [`sluice change confirm ${record.id}`, rollback] },
  );
}
