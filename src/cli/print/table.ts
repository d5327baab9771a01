/** Tables without borders: two blanks between columns, one record a line. */

import { stripVTControlCharacters } from 'node:util';
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

/** Draws rows. @throws UsageError for a column that does not exist. */
export async function drawTable<T>(columns: readonly Column<T>[], rows: readonly T[], options: TableOptions): Promise<DrawnTable> {
  const chosen = chooseColumns(columns, options);
  const sorted = sortRows(columns, rows, options.sortBy);
  const cells = sorted.map((row) => chosen.map((column) => formatCell(column, row, options.width !== undefined)));
  const fitted = fit(chosen, cells, options);
  const body = fitted.cells.map((line, i) => line.map((cell, j) => paint(cell, fitted.columns[j]!.tone?.(sorted[i]!), options.color)));
  const header = options.headers ? [fitted.columns.map(({ header: name }) => name)] : [];
  fitted.columns.forEach((column, i) => options.widths?.set(column.header, fitted.widths[i]!));
  const text = body.length > LIBRARY_ROWS || options.widths !== undefined
    ? layOut([...header, ...body], fitted.columns, fitted.widths)
    : await layOutWithLibrary([...header, ...body], fitted.columns);
  return { text, hidden: fitted.hidden };
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

function sortRows<T>(columns: readonly Column<T>[], rows: readonly T[], sortBy: string | undefined): readonly T[] {
  if (sortBy === undefined) return rows;
  const { value } = findColumn(columns, sortBy);
  return [...rows].sort((a, b) => compareCells(value(a), value(b)));
}

/** Numbers descend, as the largest are looked for; text ascends. */
function compareCells(a: unknown, b: unknown): number {
  const numeric = (x: unknown): x is number | bigint => typeof x === 'number' || typeof x === 'bigint';
  if (numeric(a) && numeric(b)) return a < b ? 1 : a > b ? -1 : 0;
  return compareNatural(String(a ?? ''), String(b ?? ''));
}

interface Fitted<T> {
  columns: readonly Column<T>[];
  cells: string[][];
  widths: number[];
  hidden: string[];
}

/** On a terminal: drops columns by `dropOrder`, then shortens those that allow it. */
function fit<T>(columns: readonly Column<T>[], cells: string[][], { width, headers, wide, widths }: TableOptions): Fitted<T> {
  let kept = columns.map((column, i) => ({ column, i, width: cells.reduce((most, line) => Math.max(most, line[i]!.length), Math.max(widths?.get(column.header) ?? 0, headers ? column.header.length : 0)) }));
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
  return {
    columns: kept.map(({ column }) => column), hidden, widths: kept.map((entry) => entry.width),
    cells: cells.map((line) => kept.map((entry) => ellipsize(line[entry.i]!, entry.width))),
  };
}

const paint = (text: string, tone: keyof typeof TONES | undefined, color: boolean): string =>
  tone === undefined || !color ? text : `\u001b[${TONES[tone]}m${text}\u001b[0m`;

const NO_BORDERS = Object.fromEntries(
  ['top', 'top-mid', 'top-left', 'top-right', 'bottom', 'bottom-mid', 'bottom-left', 'bottom-right', 'left', 'left-mid', 'mid', 'mid-mid', 'right', 'right-mid']
    .map((edge) => [edge, '']),
);

async function layOutWithLibrary<T>(lines: readonly string[][], columns: readonly Column<T>[]): Promise<string> {
  const { default: Table } = await import('cli-table3');
  const table = new Table({
    chars: { ...NO_BORDERS, middle: ' '.repeat(GAP) },
    style: { 'padding-left': 0, 'padding-right': 0, border: [], head: [] },
    colAligns: columns.map(alignment),
  });
  table.push(...lines);
  return table.toString().split('\n').map((line) => line.trimEnd()).join('\n');
}

function layOut<T>(lines: readonly string[][], columns: readonly Column<T>[], widths: readonly number[]): string {
  const right = columns.map((column) => alignment(column) === 'right');
  const pad = (cell: string, i: number): string => {
    const blanks = ' '.repeat(Math.max(0, widths[i]! - stripVTControlCharacters(cell).length));
    return right[i] ? blanks + cell : cell + blanks;
  };
  return lines.map((line) => line.map(pad).join(' '.repeat(GAP)).trimEnd()).join('\n');
}

const alignment = <T>({ align, format }: Column<T>): 'left' | 'right' => align ?? (format === 'count' ? 'right' : 'left');
