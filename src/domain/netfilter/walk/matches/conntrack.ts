import type { ConntrackMatch, ConntrackState } from '../../model.ts';
import { negateIf, type Answer } from '../answer.ts';
import type { Packet } from '../packet.ts';

/**
 * `--ctstate` and `-m state`: whether the packet's state bits and the listed ones have one in common.
 *
 * Without a connection (INVALID, UNTRACKED) every other test of the match fails, except that `--ctstate` decides alone
 * when it is given.
 *
 * @kernel net/netfilter/xt_conntrack.c conntrack_mt
 */
export function matchConntrack(match: ConntrackMatch, packet: Packet): Answer {
  const { states } = packet;
  if (states === undefined) return 'unknown';
  const listed = match.states === undefined ? true : negateIf(match.states.negated, intersects(match.states.value, states));
  if (listed !== true) return listed;
  if (!hasConnection(states)) return match.states !== undefined;
  return match.uninterpreted.length === 0 ? true : 'unknown';
}

const intersects = (a: readonly ConntrackState[], b: readonly ConntrackState[]): boolean => a.some((state) => b.includes(state));

const hasConnection = (states: readonly ConntrackState[]): boolean => !states.includes('INVALID') && !states.includes('UNTRACKED');
