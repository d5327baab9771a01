import type { Scalar } from '../layout/decode.ts';
import type { EntryAt, Field } from './field.ts';

/** Entries kept for sorting: their bytes, and where each starts. */
export interface KeptEntries {
  count: number;
  at(row: number): EntryAt;
}

/** Row numbers in the order of a field: numbers descend, as the largest are looked for; all else ascends. Of several CPUs the sum counts. */
export function sortRows(entries: KeptEntries, field: Field): Uint32Array {
  const values = Array.from({ length: entries.count }, (_, row) => sortValue(field.read(entries.at(row))));
  // Made here: it takes milliseconds, which commands that sort nothing should not wait for.
  const { compare: natural } = new Intl.Collator('en', { numeric: true });
  return Uint32Array.from(values.keys()).sort((a, b) => compare(values[a]!, values[b]!, natural) || a - b);
}

const isNumber = (value: Scalar): value is number | bigint => typeof value === 'number' || typeof value === 'bigint';

function sortValue(values: readonly Scalar[]): Scalar {
  return values.length === 1 || !values.every(isNumber) ? values[0]! : (values as readonly (number | bigint)[]).reduce<bigint>((sum, value) => sum + (typeof value === 'bigint' ? value : BigInt(Math.trunc(value as number))), 0n);
}

function compare(a: Scalar, b: Scalar, natural: (a: string, b: string) => number): number {
  if (isNumber(a) && isNumber(b)) return a < b ? 1 : a > b ? -1 : 0;
  return natural(String(a), String(b));
}
