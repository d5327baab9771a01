import type { OpaqueMatch } from '../../model.ts';
import { negateIf, type Answer } from '../answer.ts';
import type { Packet } from '../packet.ts';
import { textOptions } from './options.ts';

/** The connection's mark; without a connection it never matches, negated or not. @kernel net/netfilter/xt_connmark.c */
export function matchConnmark(match: OpaqueMatch, packet: Packet): Answer {
  const test = textOptions(match.text).find(({ name }) => name === '--mark');
  if (test === undefined || packet.states === undefined) return 'unknown';
  if (packet.states.includes('INVALID') || packet.states.includes('UNTRACKED')) return false;
  if (packet.connectionMark === undefined) return 'unknown';
  const [value = 0, mask = 0xffff_ffff] = (test.values[0] ?? '').split('/').map(Number);
  return negateIf(test.negated, ((packet.connectionMark & mask) >>> 0) === value);
}
