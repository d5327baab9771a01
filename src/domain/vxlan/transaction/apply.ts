/** Steps carried out as one change: recorded, revertible, and undone at once when one of them is refused. */

import { openNetlink } from '../../../kernel/netlink/index.ts';
import { need, reportCommand } from '../../../tools/index.ts';
import { beginChange, type Change, confirmWindow, type SessionFacts } from '../../changes/index.ts';
import { runSteps } from '../steps/apply.ts';
import type { Step } from '../steps/model.ts';
import { nativeOf } from '../steps/native.ts';
import { revertOf } from './revert.ts';

/** A change of the overlay. */
export interface Transaction {
  /** One line for people. */
  summary: string;
  steps: readonly Step[];
  /** What puts the node back as it was. */
  undo: readonly Step[];
  argv: readonly string[];
  netns?: { path: string; label: string } | undefined;
  /** Who asks, for whether it has to be confirmed. */
  session: SessionFacts;
  /** Kept with the change. */
  details?: Readonly<Record<string, unknown>>;
}

/** Kind of these changes: only the newest of a kind is rolled back. */
export const CHANGE_KIND = 'vxlan';

/**
 * Carries a transaction out.
 *
 * @throws OperationError SL4001 when a step was refused and all is as before (exit code 7), with the kernel's words; BusyError
 *   when another change in the namespace waits
 */
export async function carryOut({ summary, steps, undo, argv, netns, session, details }: Transaction): Promise<Change> {
  const confirmWithinMs = confirmWindow(session, true);
  const revert = revertOf(undo, { ip: need('ip'), bridge: need('bridge') });
  const change = await beginChange({
    kind: CHANGE_KIND, summary, argv, files: revert.files, revertSteps: revert.steps, diff: { before: commandText(undo), after: commandText(steps) },
    ...(netns === undefined ? {} : { netns }), ...(confirmWithinMs === undefined ? {} : { confirmWithinMs }),
  });
  try {
    using netlink = openNetlink({ netns });
    for (const command of steps.flatMap(nativeOf)) reportCommand(command, netns?.path);
    runSteps(netlink, steps);
  } catch (error) {
    return await change.fail(error);
  }
  return await change.applied(details);
}

/** The commands of steps, a line each. */
const commandText = (steps: readonly Step[]): string => steps.flatMap(nativeOf).map((command) => `${command.join(' ')}\n`).join('');
