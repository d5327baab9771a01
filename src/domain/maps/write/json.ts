/** JSON text of single values; 64-bit numbers stay exact. */

import { sanitize } from '../../../lib/text.ts';
import type { Decoded } from '../layout/decode.ts';

interface RawJson {
  rawJSON(text: string): unknown;
}

/** A decoded value as JSON. */
export function toText(value: Decoded): string {
  const exact = JSON as unknown as RawJson;
  return JSON.stringify(value, (_key, member: unknown) => (typeof member === 'bigint' ? exact.rawJSON(String(member)) : member));
}

/** A string with its quotes. */
export const quoted = (text: string): string => JSON.stringify(text);

/** A string for people, as it stands between quotes. */
export const textWithin = (text: string): string => JSON.stringify(sanitize(text)).slice(1, -1);
