import type { MarkMatch } from '../../model.ts';
import { negateIf, type Answer } from '../answer.ts';
import type { Packet } from '../packet.ts';

/** `(mark & mask) == value`; value is not masked, so 0xff/0x0f never matches. @kernel net/netfilter/xt_mark.c mark_mt */
export function matchMark(match: MarkMatch, packet: Packet): Answer {
  if ((match.value & ~match.mask) !== 0) return match.negated;
  if (match.mask === 0) return !match.negated;
  if (packet.mark === undefined) return 'unknown';
  return negateIf(match.negated, ((packet.mark & match.mask) >>> 0) === match.value);
}
