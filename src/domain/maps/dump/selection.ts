import type { Entries } from '../write/row-writer.ts';
import type { Field } from './field.ts';
import type { Filter } from './filter.ts';
import { sortRows } from './order.ts';

/** Which entries are wanted, in which order, and how many of them. */
export interface Wanted {
  filter: Filter | undefined;
  sortBy: Field | undefined;
  limit: number;
}

/** Entries as they were read. */
export interface ReadEntries {
  keys: Buffer;
  values: Buffer;
  count: number;
}

/** Some of a chunk's entries: those whose numbers are in `rows`, or the first `count`. */
export interface Taken {
  rows: Uint32Array | undefined;
  count: number;
}

/** Takes from chunk after chunk what is wanted. To be sorted, entries are kept as bytes until the last has come. */
export class Selection {
  readonly #wanted: Wanted;
  readonly #sizes: { keySize: number; valueBytes: number };
  readonly #kept: ReadEntries[] = [];
  #seen = 0;
  #matched = 0;
  #shown = 0;
  #stopped = false;

  constructor(sizes: { keySize: number; valueBytes: number }, wanted: Wanted) {
    this.#sizes = sizes;
    this.#wanted = wanted;
  }

  /** Whether no further chunk is needed: the limit is reached, and nothing has to be counted. */
  get isFull(): boolean {
    const { filter, sortBy, limit } = this.#wanted;
    if (filter !== undefined || sortBy !== undefined || this.#shown < limit) return false;
    this.#stopped = true;
    return true;
  }

  take(chunk: ReadEntries): Taken {
    const { filter, sortBy, limit } = this.#wanted;
    const rows = filter === undefined ? undefined : this.#matching(chunk, filter);
    const count = rows?.length ?? chunk.count;
    this.#seen += chunk.count;
    this.#matched += count;
    if (sortBy !== undefined) {
      this.#kept.push(this.#copy(chunk, rows, count));
      return { rows, count: 0 };
    }
    const shown = Math.min(count, limit - this.#shown);
    this.#shown += shown;
    return { rows, count: shown };
  }

  /** What was kept, in order. */
  *rest(): Generator<{ entries: Entries; rows: Uint32Array; count: number }> {
    const { sortBy, limit } = this.#wanted;
    if (sortBy === undefined) return;
    const entries = { keys: Buffer.concat(this.#kept.map(({ keys }) => keys)), values: Buffer.concat(this.#kept.map(({ values }) => values)), ...this.#sizes };
    const rows = sortRows({ count: this.#matched, at: (row) => this.#at(entries, row) }, sortBy);
    this.#shown = Math.min(limit, rows.length);
    if (rows.length > 0) yield { entries, rows, count: this.#shown };
  }

  outcome(): { complete: boolean; warnings: readonly string[]; note?: string } {
    if (this.#stopped) return { complete: true, warnings: [], note: `the first ${this.#shown}; --limit 0 shows all` };
    const matched = this.#wanted.filter === undefined ? '' : ` (the filter matched ${this.#matched})`;
    const more = this.#shown < this.#matched ? '; --limit 0 shows all' : '';
    const note = this.#shown < this.#seen ? `${this.#shown} of ${this.#seen} entries${matched}${more}` : undefined;
    return { complete: true, warnings: [], ...(note === undefined ? {} : { note }) };
  }

  #at({ keys, values }: { keys: Buffer; values: Buffer }, row: number) {
    return { keys, keyAt: row * this.#sizes.keySize, values, valueAt: row * this.#sizes.valueBytes };
  }

  #matching(chunk: ReadEntries, filter: Filter): Uint32Array {
    const rows = new Uint32Array(chunk.count);
    let count = 0;
    for (let row = 0; row < chunk.count; row++) if (filter(this.#at(chunk, row))) rows[count++] = row;
    return rows.subarray(0, count);
  }

  #copy(chunk: ReadEntries, rows: Uint32Array | undefined, count: number): ReadEntries {
    const { keySize, valueBytes } = this.#sizes;
    const pick = (bytes: Buffer, size: number): Buffer =>
      rows === undefined ? Buffer.from(bytes.subarray(0, count * size)) : Buffer.concat(Array.from(rows, (row) => bytes.subarray(row * size, (row + 1) * size)));
    return { keys: pick(chunk.keys, keySize), values: pick(chunk.values, valueBytes), count };
  }
}
