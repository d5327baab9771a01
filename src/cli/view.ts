/** How a result looks, as data: the one printer in `cli/print.ts` draws every table, card and JSON from these. */

/** A table cell. `undefined` prints `-`, `null` (unknown) prints `?`. */
export type Cell = string | number | bigint | boolean | undefined | null;

export interface Column<T> {
  /** Upper-case header, also the name that `--columns` and `--sort-by` take (any case). */
  header: string;
  value: (row: T) => Cell;
  /** Shown only with `-o wide` or when named in `--columns`. */
  wide?: boolean;
  /** `count` is humanised on a terminal (18.2M) and exact elsewhere; `age` takes seconds. Numbers align right. */
  format?: 'text' | 'count' | 'age';
  align?: 'left' | 'right';
  /** Dropped first when a terminal is too narrow: higher goes earlier; 0 or absent is never dropped. */
  dropOrder?: number;
  /** May be shortened in the middle on a narrow terminal, never below this many characters. */
  shrinkTo?: number;
  /** Colour by value; ignored where there is no colour. */
  tone?: (row: T) => 'good' | 'bad' | 'warn' | 'dim' | undefined;
}

/** What `list` commands hand to the printer. */
export interface Listing<T> {
  items: readonly T[];
  /** False when something could not be read; `warnings` then says what. */
  complete: boolean;
  warnings: readonly string[];
}

export interface TableView<T> {
  /** JSON `kind` of one item, PascalCase (`IptablesRule`); the list is `<kind>List`. */
  kind: string;
  columns: readonly Column<T>[];
  /** Printed to stderr when there is nothing: `No rules found.` */
  empty: string;
  /** Identifier for `-o name`, e.g. `rule/filter/INPUT#3`. */
  name: (row: T) => string;
  /** The JSON form; the row itself when absent. bigint becomes an exact number. */
  json?: (row: T) => unknown;
}

/** What `get`-like commands and changes print: labelled lines, then optional tables and notes. */
export interface CardView<T> {
  kind: string;
  name: (item: T) => string;
  /** `[label, value]` lines; a value of several lines is indented under its label. */
  lines: (item: T) => readonly (readonly [label: string, value: Cell])[];
  /** Tables below the lines, each with an optional title. */
  sections?: (item: T) => readonly CardSection[];
  /** Lines printed after everything, such as `VERDICT  DROP at step 4`. */
  footer?: (item: T) => readonly string[];
  json?: (item: T) => unknown;
  /** Only of checks: the suites for `-o junit`. */
  junit?: (item: T) => readonly JunitSuite[];
}

/** A table inside a card. `rows` belong to `columns`; the printer does not look inside. */
export interface CardSection {
  title?: string;
  columns: readonly Column<never>[];
  rows: readonly unknown[];
}

/** Rows of a stream as table cells, one after the other: `ends` has where each cell ends in `bytes`. Safe for a terminal. */
export interface CellRows {
  bytes: Uint8Array;
  ends: Int32Array;
  count: number;
}

/**
 * A list too long to be held: it comes in pieces, most of them written out already. Exactly one of its forms is read, once.
 *
 * A piece stays as it is while the next is made, and may then be overwritten.
 */
export interface StreamListing<T> {
  /** Objects as JSON text, each between `before` and `after`. */
  json(before: string, after: string): AsyncIterable<Uint8Array>;
  /** Cells of table rows. */
  cells(): AsyncIterable<CellRows>;
  /** Objects, for formats that have to see them. */
  items(): AsyncIterable<T>;
  /** What is known after the last piece; `note` is advice such as how many rows were left out. */
  outcome(): { complete: boolean; warnings: readonly string[]; note?: string };
}

/** A list that comes in pieces, which are read once; what is known after the last one is its outcome. */
export interface LongListing<T> {
  pieces(): AsyncIterable<readonly T[]>;
  outcome(): { complete: boolean; warnings: readonly string[] };
}

/** How a stream looks. */
export interface StreamView<T> {
  /** As in `TableView`. */
  kind: string;
  /** Headers of the cells, in order. */
  headers: readonly string[];
  empty: string;
  name: (row: T) => string;
}

/** What commands without an end print, one item after the other. */
export interface LiveView<T> {
  /** JSON `kind` of one item. */
  kind: string;
  /** Printed once, before the first item. */
  header?: (wide: boolean) => string;
  lines: (item: T, wide: boolean) => readonly string[];
  json?: (item: T) => unknown;
}

/** Checks of one thing, for `-o junit`. */
export interface JunitSuite {
  name: string;
  cases: readonly { name: string; skipped?: boolean; failure?: { message: string; text: string } }[];
}
