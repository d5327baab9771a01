/** What has become of a change, from the traces it left. Pure. */

import type { ChangeState } from './model.ts';
import type { Token } from './token.ts';

/** Everything that tells the state of a change. */
export interface Traces {
  token: Token | undefined;
  /** Word in the lasting `state` file; undefined when there is none. */
  lastState: string | undefined;
  /** False when the node has restarted since the change began. */
  sameBoot: boolean;
  /** The process that applies has not said that it finished. */
  ownerMarked: boolean;
  ownerAlive: boolean;
  /** A revert script runs. */
  revertAlive: boolean;
  /** The timer waits, or has just taken the token and is turning into the revert script. */
  timerAlive: boolean;
}

/** Words that the lasting `state` file may hold. */
const STATES = ['applying', 'pending', 'confirmed', 'reverted', 'rolled-back', 'revert-failed'] as const satisfies ChangeState[];

/** The state, and whether its process died while applying. */
export function stateOf(traces: Traces): { state: ChangeState; interrupted: boolean } {
  const state = derive(traces);
  return { state, interrupted: state === 'applying' && !traces.ownerAlive };
}

function derive(traces: Traces): ChangeState {
  const { token, lastState } = traces;
  if (!traces.sameBoot) return lastState === 'reverted' || lastState === 'rolled-back' ? lastState : 'lost-at-reboot';
  if (token === undefined) return withoutToken(traces);
  if (token.kind === 'reverting') return traces.revertAlive || traces.timerAlive ? 'reverting' : 'revert-failed';
  if (token.kind !== 'armed') return token.kind;
  return traces.ownerMarked ? 'applying' : 'pending';
}

/** Without a token the change never got as far as having one, or the run directory was lost: what was written last counts. */
function withoutToken({ lastState, revertAlive }: Traces): ChangeState {
  if (revertAlive) return 'reverting';
  return isState(lastState) ? lastState : 'applying';
}

function isState(word: string | undefined): word is ChangeState {
  return (STATES as readonly (string | undefined)[]).includes(word);
}
