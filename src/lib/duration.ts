/** Lengths of time as people write them: `90s`, `2m`, `1h30m`, `500ms`, `1d`. */

import { UsageError } from './errors.ts';

const UNIT_MS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 };

/** Milliseconds in `text`. A number needs a unit; several parts add up. @throws UsageError */
export function parseDuration(text: string): number {
  const parts = [...text.matchAll(/(\d+(?:\.\d+)?)(ms|s|m|h|d)/g)];
  if (parts.length === 0 || parts.map(([part]) => part).join('') !== text) {
    throw new UsageError(`'${text}' is not a length of time`, { hints: ['write it like 90s, 2m, 1h30m or 500ms'] });
  }
  return parts.reduce((sum, [, number, unit]) => sum + Number(number) * UNIT_MS[unit!]!, 0);
}
