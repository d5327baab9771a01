/** Who must not be pushed aside. */

import { BusyError } from '../../lib/errors.ts';
import { describe } from './inspect.ts';
import { isUnfinished } from './model.ts';
import { isWorking, type Holder } from './slot.ts';
import { isStored, readRecord } from './store.ts';

/** Asked about who has the slot: pushes aside what has ended, refuses for the rest. @throws BusyError */
export function refuseHolder(holder: Holder): void {
  const { id } = holder;
  const change = isStored(id) ? describe(readRecord(id)) : undefined;
  if (isWorking(holder)) {
    throw new BusyError(`another sluice (pid ${holder.process!.pid}) is working on change ${id}`, { code: 'SL1304' });
  }
  if (change === undefined || !isUnfinished(change.state)) return;
  const rollback = `sluice change rollback ${id}`;
  throw new BusyError(
    change.interrupted ? `change ${id} was cut off while it was applied` : `change ${id} is not confirmed yet (${change.state})`,
    { code: 'SL1303', causes: [change.record.summary], hints: change.interrupted ? [rollback] : [`sluice change confirm ${id}`, rollback] },
  );
}
