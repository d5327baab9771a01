/** Tables without borders: two blanks between columns, one record a line. */

import { UsageError } from '../../lib/errors.ts';
import { compareNatural, ellipsize } from '../../lib/text.ts';
import type { Column } from '../view.ts';
import { formatCell } from './format.ts';

export interface TableOptions {
  wide: boolean;
  headers: boolean;
  /** Names given with `--columns`. */
  columns?: readonly string[];
  sortBy?: string;
  /** Width of the terminal; undefined when the output is not one. */
  width?: number;
  color: boolean;
  /** Least widths by header, raised to what was needed: rows that are appended later stand below the first. */
  widths?: Map<string, number>;
}

export interface DrawnTable {
  text: string;
  /** Columns that did not fit. */
  hidden: string[];
}

const GAP = 2;
/** The library takes a quarter of a millisecond for a row; above so many, widths are applied here in the same way. */
const LIBRARY_ROWS = 100;
const TONES = { good: 32, bad: 31, warn: 33, dim: 2 } as const;

type Tone = keyof typeof TONES | undefined;

/** Draws rows. @throws UsageError for a column that does not exist. */
export async function drawTable<T>(columns: readonly Column<T>[], rows: readonly T[], options: TableOptions): Promise<DrawnTable> {
  const table = new Table(columns, options);
  table.add(rows);
  return await table.draw();
}

/** A table whose rows come in pieces: only the text of their cells is kept, unless they are to be sorted. */
export class Table<T> {
  readonly #allColumns: readonly Column<T>[];
  /** Those that are shown. */
  readonly #columns: readonly Column<T>[];
  readonly #sort: Column<T> | undefined;
  readonly #options: TableOptions;
  readonly #unsorted: T[] = [];
  /** Cells of all rows, one after the other, and their tones where there is colour. */
  readonly #cells: string[] = [];
  readonly #tones: Tone[] = [];
  readonly #widths: number[];
  #rows = 0;

  /** @throws UsageError for a column that does not exist */
  constructor(columns: readonly Column<T>[], options: TableOptions) {
    this.#allColumns = columns;
    this.#columns = chooseColumns(columns, options);
    this.#sort = options.sortBy === undefined ? undefined : findColumn(columns, options.sortBy);
    this.#options = options;
    this.#widths = this.#columns.map(({ header }) => Math.max(options.widths?.get(header) ?? 0, options.headers ? header.length : 0));
  }

  /** Appends rows. */
  add(rows: readonly T[]): void {
    for (const row of rows) {
      if (this.#sort === undefined) this.#append(row);
      else this.#unsorted.push(row);
    }
  }

  /** An empty table whose rows stand below those of this one, which is drawn. */
  next(): Table<T> {
    const widths = new Map(this.#columns.map(({ header }, i) => [header, this.#widths[i]!]));
    return new Table(this.#allColumns, { ...this.#options, headers: false, widths });
  }

  /** Lays out what was added, once. */
  async draw(): Promise<DrawnTable> {
    if (this.#sort !== undefined) for (const row of sortRows(this.#unsorted, this.#sort)) this.#append(row);
    const { kept, hidden } = fit(this.#columns, this.#widths, this.#options);
    for (const { column, width } of kept) this.#options.widths?.set(column.header, width);
    const own = this.#rows > LIBRARY_ROWS || this.#options.widths !== undefined;
    return { text: own ? this.#layOut(kept) : await this.#layOutWithLibrary(kept), hidden };
  }

  #append(row: T): void {
    const { color, width } = this.#options;
    for (let i = 0; i < this.#columns.length; i++) {
      const column = this.#columns[i]!;
      const cell = formatCell(column, row, width !== undefined);
      if (cell.length > this.#widths[i]!) this.#widths[i] = cell.length;
      this.#cells.push(cell);
      if (color) this.#tones.push(column.tone?.(row));
    }
    this.#rows++;
  }

  #layOut(kept: readonly Place<T>[]): string {
    const blanks = Array.from({ length: Math.max(0, ...kept.map(({ width }) => width)) + GAP + 1 }, (_, length) => ' '.repeat(length));
    const right = kept.map(({ column }) => alignment(column) === 'right');
    const lines = this.#options.headers ? [''] : [];
    if (this.#options.headers) lines[0] = kept.map(({ column: { header }, width }, i) => (right[i] ? header.padStart(width) : header.padEnd(width))).join(blanks[GAP]).trimEnd();
    for (let row = 0; row < this.#rows; row++) {
      let line = '';
      for (let i = 0; i < kept.length; i++) {
        const cell = this.#cellOf(row, kept[i]!);
        const padding = kept[i]!.width - cell.length;
        line += right[i] ? blanks[padding]! + this.#paint(cell, row, kept[i]!) + blanks[GAP]! : this.#paint(cell, row, kept[i]!) + blanks[padding + GAP]!;
      }
      lines.push(line.trimEnd());
    }
    return lines.join('\n');
  }

  async #layOutWithLibrary(kept: readonly Place<T>[]): Promise<string> {
    const { default: Library } = await import('cli-table3');
    const table = new Library({
      chars: { ...NO_BORDERS, middle: ' '.repeat(GAP) },
      style: { 'padding-left': 0, 'padding-right': 0, border: [], head: [] },
      colAligns: kept.map(({ column }) => alignment(column)),
    });
    if (this.#options.headers) table.push(kept.map(({ column }) => column.header));
    for (let row = 0; row < this.#rows; row++) table.push(kept.map((place) => this.#paint(this.#cellOf(row, place), row, place)));
    return table.toString().split('\n').map((line) => line.trimEnd()).join('\n');
  }

  #cellOf(row: number, { at, width }: Place<T>): string {
    return ellipsize(this.#cells[row * this.#columns.length + at]!, width);
  }

  #paint(text: string, row: number, { at }: Place<T>): string {
    const tone = this.#options.color ? this.#tones[row * this.#columns.length + at] : undefined;
    return tone === undefined ? text : `\u001b[${TONES[tone]}m${text}\u001b[0m`;
  }
}

function chooseColumns<T>(columns: readonly Column<T>[], { wide, columns: names }: TableOptions): readonly Column<T>[] {
  if (names === undefined) return columns.filter((column) => wide || column.wide !== true);
  return names.map((name) => findColumn(columns, name));
}

function findColumn<T>(columns: readonly Column<T>[], name: string): Column<T> {
  const column = columns.find(({ header }) => header.toLowerCase() === name.toLowerCase());
  if (column !== undefined) return column;
  throw new UsageError(`there is no column '${name}'`, { hints: [`columns: ${columns.map(({ header }) => header).join(', ')}`] });
}

const sortRows = <T>(rows: readonly T[], { value }: Column<T>): T[] => [...rows].sort((a, b) => compareCells(value(a), value(b)));

/** Numbers descend, as the largest are looked for; text ascends. */
function compareCells(a: unknown, b: unknown): number {
  const numeric = (x: unknown): x is number | bigint => typeof x === 'number' || typeof x === 'bigint';
  if (numeric(a) && numeric(b)) return a < b ? 1 : a > b ? -1 : 0;
  return compareNatural(String(a ?? ''), String(b ?? ''));
}

/** A column that is shown: which of the chosen ones it is, and how wide. */
interface Place<T> {
  column: Column<T>;
  at: number;
  width: number;
}

/** On a terminal: drops columns by `dropOrder`, then shortens those that allow it. */
function fit<T>(columns: readonly Column<T>[], widths: readonly number[], { width, wide }: TableOptions): { kept: Place<T>[]; hidden: string[] } {
  let kept = columns.map((column, at) => ({ column, at, width: widths[at]! }));
  const hidden: string[] = [];
  const total = (): number => kept.reduce((sum, { width: own }) => sum + own + GAP, -GAP);
  if (width !== undefined && !wide) {
    for (const { column } of [...kept].filter(({ column: { dropOrder } }) => (dropOrder ?? 0) > 0).sort((a, b) => b.column.dropOrder! - a.column.dropOrder!)) {
      if (total() <= width) break;
      kept = kept.filter((entry) => entry.column !== column);
      hidden.push(column.header);
    }
    for (const entry of kept) if (entry.column.shrinkTo !== undefined && total() > width) entry.width = Math.max(entry.column.shrinkTo, entry.width - (total() - width));
  }
  return { kept, hidden };
}

const NO_BORDERS = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid']
    .map((edge) => [edge, '']),
);

const alignment = <T>({ align, format }: Column<T>): 'left' | 'right' => align ?? (format === 'count' ? 'right' : 'left');
