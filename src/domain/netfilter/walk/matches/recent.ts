import type { OpaqueMatch } from '../../model.ts';
import type { Answer } from '../answer.ts';
import { textOptions } from './options.ts';

/** `--set` always holds; every other form depends on who was seen before. @kernel net/netfilter/xt_recent.c recent_mt */
export function matchRecent(match: OpaqueMatch): Answer {
  const set = textOptions(match.text).find(({ name }) => name === '--set');
  return set === undefined ? 'unknown' : !set.negated;
}
