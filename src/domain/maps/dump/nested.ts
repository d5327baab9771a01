import type { MapEntry } from '../model.ts';

/** Rows written as cells: `ends` has where each ends in `bytes`. */
export interface Cells {
  bytes: Buffer;
  ends: Int32Array;
  count: number;
}

/** Cells of an entry of an inner map: key, CPU, value; a row for each CPU. */
export const innerCells = ({ key, value, values }: MapEntry): string[][] =>
  (values ?? [{ cpu: '-', value: value! }]).map((one) => [key?.display ?? '-', String(one.cpu), one.value.display]);

/** Rows of text as cells. */
export function toCells(rows: readonly (readonly string[])[]): Cells {
  const cells = rows.flat().map((cell) => Buffer.from(cell));
  let end = 0;
  return { bytes: Buffer.concat(cells), ends: Int32Array.from(cells, ({ length }) => (end += length)), count: rows.length };
}
