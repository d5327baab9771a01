/** `--watch` on a list: the rows once, then those that are new or have changed, one after the other. */

import { UsageError } from '../../lib/errors.ts';
import type { Listing, TableView } from '../view.ts';
import { formatCell } from './format.ts';
import { printListing, type PrintOptions } from './index.ts';

/** Prints one reading after another. */
export class ListWatch {
  readonly #options: PrintOptions;
  #seen: ReadonlySet<string> | undefined;

  /** @throws UsageError for a format that ends only when all is known */
  constructor(options: PrintOptions) {
    if (options.format === 'yaml' || options.format === 'jsonpath') throw new UsageError(`--watch has no end, and -o ${options.format} needs one`, { hints: ['-o jsonl prints one object a line'] });
    this.#options = { ...options, widths: new Map(), ...(options.format === 'json' ? { format: 'jsonl' } : {}) };
  }

  /** Prints the rows that the reading before did not have. */
  async print<T>(listing: Listing<T>, view: TableView<T>): Promise<void> {
    const seen = this.#seen;
    this.#seen = new Set(listing.items.map((row) => textOf(row, view)));
    if (seen === undefined) return await printListing(listing, view, this.#options);
    const items = listing.items.filter((row) => !seen.has(textOf(row, view)));
    if (items.length > 0) await printListing({ ...listing, items, warnings: [] }, view, { ...this.#options, headers: false });
  }
}

/** All that is shown of a row but its ages, which change by themselves. */
const textOf = <T>(row: T, { columns }: TableView<T>): string =>
  columns.filter(({ format }) => format !== 'age').map((column) => formatCell(column, row, false)).join('\t');
