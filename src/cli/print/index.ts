/** The one printer: tables, cards and every machine format, from views. */

import { UsageError } from '../../lib/errors.ts';
import { sanitize } from '../../lib/text.ts';
import type { CardView, Column, Listing, LongListing, TableView } from '../view.ts';
import { formatCell } from './format.ts';
import { listEnvelope, objectEnvelope, toJson, type Metadata } from './json.ts';
import { evaluateJsonPath, evaluatePath } from './jsonpath.ts';
import { toJunit } from './junit.ts';
import { gather, inPieces, writeLongJson } from './long.ts';
import { type DrawnTable, drawTable, Table } from './table.ts';

/** How the user wants results. */
export interface PrintOptions {
  format: 'table' | 'wide' | 'json' | 'yaml' | 'jsonl' | 'name' | 'junit' | 'jsonpath' | 'custom-columns';
  /** The template of jsonpath and custom-columns. */
  template: string;
  headers: boolean;
  columns?: readonly string[];
  sortBy?: string;
  limit?: number;
  quiet: boolean;
  color: boolean;
  /** Columns of the terminal; undefined when standard output is none. */
  width?: number;
  /** As in `TableOptions`. */
  widths?: Map<string, number>;
}

const COMPLETE: Metadata = { complete: true, warnings: [] };

/** Reads `-o`. @throws UsageError for a format that does not exist. */
export function parseOutput(text: string): Pick<PrintOptions, 'format' | 'template'> {
  const [format, ...rest] = text.split('=');
  const template = rest.join('=');
  const plain = ['table', 'wide', 'json', 'yaml', 'jsonl', 'name', 'junit'] as const;
  const known = plain.find((name) => name === format);
  if (known !== undefined && rest.length === 0) return { format: known, template };
  if ((format === 'jsonpath' || format === 'custom-columns') && template !== '') return { format, template };
  throw new UsageError(`unknown output format '${text}'`, { hints: ['table, wide, json, yaml, jsonl, name, jsonpath=PATH, custom-columns=NAME:.path,…'] });
}

/** Prints a list. */
export async function printListing<T>(listing: Listing<T>, view: TableView<T>, options: PrintOptions): Promise<void> {
  if (options.format === 'junit') throw onlyChecks();
  if (options.format === 'table' || options.format === 'wide') return await printRows(inPieces(listing), view, options);
  const shown = options.limit === undefined || options.limit === 0 ? listing.items : listing.items.slice(0, options.limit);
  const json = view.json ?? ((row: T): unknown => row);
  if (options.format === 'name') return writeLines(shown.map((row) => sanitize(view.name(row))));
  if (options.format === 'jsonl') return writeLines(shown.map((row) => toJson(json(row))));
  if (options.format === 'json' && shown.length > LONG_LIST) return await writeLongJson(inPieces({ ...listing, items: shown }), view, { lines: false, limit: undefined });
  const items = shown.map(json);
  if (options.format === 'custom-columns') return await writeCustomColumns(items, options);
  await writeObject(listEnvelope(view.kind, items, listing), options);
}

/** So many items are not for reading: each then stands on one line, which takes a quarter of the time. */
const LONG_LIST = 1000;

/** Prints a list that comes in pieces; formats that have to see all of it gather them first. */
export async function printLong<T>(listing: LongListing<T>, view: TableView<T>, options: PrintOptions): Promise<void> {
  if (options.format === 'table' || options.format === 'wide') return await printRows(listing, view, options);
  if (options.format !== 'json' && options.format !== 'jsonl') return await printListing(await gather(listing), view, options);
  await writeLongJson(listing, view, { lines: options.format === 'jsonl', limit: options.limit });
}

/** Rows that are laid out together. Those behind are written as they come, below them: they need no memory then. */
const ALIGNED_ROWS = 10_000;

async function printRows<T>(listing: LongListing<T>, view: TableView<T>, options: PrintOptions): Promise<void> {
  let table = new Table(view.columns, { ...options, wide: options.format === 'wide' });
  const limit = options.limit === undefined || options.limit === 0 ? Infinity : options.limit;
  // A terminal decides by all rows which columns fit, and an order is known at the end.
  const atOnce = options.width !== undefined || options.sortBy !== undefined;
  let rows = 0;
  let waiting = 0;
  for await (const piece of listing.pieces()) {
    if (rows < limit) {
      table.add(piece.slice(0, limit - rows));
      waiting += Math.min(piece.length, limit - rows);
    }
    rows += piece.length;
    if (atOnce || rows < ALIGNED_ROWS || waiting === 0) continue;
    write(`${(await table.draw()).text}\n`);
    table = table.next();
    waiting = 0;
  }
  for (const warning of listing.outcome().warnings) note(options, `warning: ${sanitize(warning)}`);
  if (rows === 0) note(options, view.empty);
  else if (waiting > 0) writeDrawn(await table.draw(), options);
  if (rows > limit) note(options, `${limit} of ${rows} shown; --limit 0 shows all`);
}

/** Prints one object: a card for people, the object for machines. */
export async function printItem<T>(item: T, view: CardView<T>, options: PrintOptions, metadata: Metadata = COMPLETE): Promise<void> {
  if (options.format === 'junit') return writeLines([toJunit((view.junit ?? fail(onlyChecks))(item))]);
  const object = (view.json ?? ((value: T): unknown => value))(item);
  if (options.format === 'name') return writeLines([sanitize(view.name(item))]);
  if (options.format === 'jsonl') return writeLines([toJson(objectEnvelope(view.kind, object, metadata))]);
  if (options.format === 'custom-columns') return await writeCustomColumns([object], options);
  if (options.format !== 'table' && options.format !== 'wide') return await writeObject(objectEnvelope(view.kind, object, metadata), options);
  for (const warning of metadata.warnings) note(options, `warning: ${sanitize(warning)}`);
  await writeCard(item, view, options);
}

const onlyChecks = (): UsageError => new UsageError('-o junit is for checks', { hints: ['-o json for everything else'] });

const fail = (error: () => Error): never => {
  throw error();
};

async function writeCard<T>(item: T, view: CardView<T>, options: PrintOptions): Promise<void> {
  const lines = view.lines(item);
  const width = Math.max(0, ...lines.map(([label]) => label.length));
  for (const [label, value] of lines) {
    const parts = typeof value === 'string' ? value.split('\n') : [value];
    const text = parts.map((part) => formatCell({ header: label, value: () => part }, undefined, false)).join(`\n${' '.repeat(width + 2)}`);
    write(`${label.padEnd(width)}  ${text}`.trimEnd() + '\n');
  }
  for (const { title, columns, rows } of view.sections?.(item) ?? []) {
    write('\n');
    if (title !== undefined) write(`${title}\n`);
    await writeTable(columns as readonly Column<unknown>[], rows, options);
  }
  const footer = view.footer?.(item) ?? [];
  if (footer.length > 0) write(`\n${footer.map(sanitize).join('\n')}\n`);
}

async function writeTable<T>(columns: readonly Column<T>[], rows: readonly T[], options: PrintOptions): Promise<void> {
  writeDrawn(await drawTable(columns, rows, { ...options, wide: options.format === 'wide' }), options);
}

function writeDrawn({ text, hidden }: DrawnTable, options: PrintOptions): void {
  write(`${text}\n`);
  if (hidden.length > 0) note(options, `${hidden.length} ${hidden.length === 1 ? 'column' : 'columns'} hidden (${hidden.join(', ')}); -o wide shows all`);
}

async function writeObject(object: object, options: PrintOptions): Promise<void> {
  if (options.format === 'jsonpath') return write(`${evaluateJsonPath(options.template, object)}\n`);
  if (options.format === 'json') return write(`${toJson(object, 2)}\n`);
  const { stringify } = await import('yaml');
  write(stringify(JSON.parse(toJson(object)), { lineWidth: 0 }));
}

/** `NAME:.path,…` over the JSON form of each item. */
async function writeCustomColumns(items: readonly unknown[], options: PrintOptions): Promise<void> {
  const columns = options.template.split(',').map((part): Column<unknown> => {
    const colon = part.indexOf(':');
    if (colon < 1) throw new UsageError(`custom-columns needs NAME:.path, not '${part}'`);
    const path = part.slice(colon + 1);
    return { header: part.slice(0, colon), value: (item) => evaluatePath(path.startsWith('.') ? path : `.${path}`, item).map(String).join(',') };
  });
  await writeTable(columns, items, options);
}

const writeLines = (lines: readonly string[]): void => write(lines.map((line) => `${line}\n`).join(''));

const write = (text: string): void => void process.stdout.write(text);

/** Hints and empty results go to standard error, so that a pipe only gets rows. */
function note({ quiet }: PrintOptions, text: string): void {
  if (!quiet) process.stderr.write(`${text}\n`);
}
