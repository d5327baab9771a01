/** Lists that are written as they come, in little memory whatever their length. */

import { UsageError } from '../../lib/errors.ts';
import { sanitize } from '../../lib/text.ts';
import type { CellRows, StreamListing, StreamView } from '../view.ts';
import { printListing, type PrintOptions } from './index.ts';
import { streamEnvelope } from './json.ts';
import { Output } from './output.ts';

/** Prints a stream in any format; yaml, jsonpath, custom-columns and name gather its objects first. */
export async function printStream<T>(stream: StreamListing<T>, view: StreamView<T>, options: PrintOptions): Promise<void> {
  if (options.format === 'json') return await printJson(stream, view);
  if (options.format === 'jsonl') return void (await pipe(stream.json('', '\n')));
  if (options.format === 'table' || options.format === 'wide') return await printTable(stream, view, options);
  const items: T[] = [];
  for await (const item of stream.items()) items.push(item);
  const { limit: _limit, sortBy: _sortBy, ...rest } = options;
  await printListing({ items, ...stream.outcome() }, { kind: view.kind, empty: view.empty, name: view.name, columns: [] }, rest);
}

async function printJson<T>(stream: StreamListing<T>, view: StreamView<T>): Promise<void> {
  const { head, tail } = streamEnvelope(view.kind);
  const output = new Output();
  await output.write(head);
  // Each object comes with a comma before it, of which the first is one too many.
  await pipe(stream.json(',\n', ''), output, 1);
  await output.write(tail(stream.outcome()));
}

/** Writes one piece while the next is made. */
async function pipe(pieces: AsyncIterable<Uint8Array>, output: Output = new Output(), skip = 0): Promise<void> {
  let left = skip;
  let writing: Promise<void> = Promise.resolve();
  for await (const piece of pieces) {
    await writing;
    writing = output.write(piece.subarray(Math.min(left, piece.length)));
    left = Math.max(0, left - piece.length);
  }
  await writing;
}

async function printTable<T>(stream: StreamListing<T>, view: StreamView<T>, options: PrintOptions): Promise<void> {
  const columns = chooseColumns(view.headers, options.columns);
  const table = new StreamTable(view.headers, columns);
  const output = new Output();
  let rows = 0;
  let writing: Promise<void> = Promise.resolve();
  for await (const piece of stream.cells()) {
    const text = table.layOut(piece, rows === 0 && options.headers);
    rows += piece.count;
    await writing;
    writing = output.write(text);
  }
  await writing;
  const { warnings, note } = stream.outcome();
  if (options.quiet) return;
  for (const warning of warnings) process.stderr.write(`warning: ${sanitize(warning)}\n`);
  if (rows === 0) process.stderr.write(`${view.empty}\n`);
  if (note !== undefined) process.stderr.write(`${note}\n`);
}

function chooseColumns(headers: readonly string[], names: readonly string[] | undefined): number[] {
  return (names ?? headers).map((name) => {
    const index = headers.findIndex((header) => header.toLowerCase() === name.toLowerCase());
    if (index < 0) throw new UsageError(`there is no column '${name}'`, { hints: [`columns: ${headers.join(', ')}`] });
    return index;
  });
}

const GAP = 2;
const BLANK = 0x20;
const NEWLINE = 0x0a;

/** Aligns rows by the widest cell so far, and two Buffers in turn: one is written while the other is filled. */
class StreamTable {
  readonly #headers: readonly string[];
  readonly #columns: readonly number[];
  readonly #widths: number[];
  #texts: [Buffer, Buffer] = [Buffer.alloc(0), Buffer.alloc(0)];

  constructor(headers: readonly string[], columns: readonly number[]) {
    this.#headers = headers;
    this.#columns = columns;
    this.#widths = headers.map((header) => header.length);
  }

  layOut(rows: CellRows, withHeaders: boolean): Uint8Array {
    this.#measure(rows);
    const head = withHeaders ? this.#headerLine() : '';
    const [next, other] = this.#texts;
    const width = this.#columns.reduce((sum, column) => sum + this.#widths[column]! + GAP, 1);
    const text = next.length >= rows.count * width + head.length ? next : Buffer.allocUnsafeSlow(rows.count * width + head.length);
    this.#texts = [other, text];
    return text.subarray(0, this.#fill(text, text.write(head), rows));
  }

  #measure({ ends, count }: CellRows): void {
    const cells = this.#headers.length;
    for (let i = 0, start = 0; i < count * cells; i++) {
      const end = ends[i]!;
      if (end - start > this.#widths[i % cells]!) this.#widths[i % cells] = end - start;
      start = end;
    }
  }

  #headerLine(): string {
    return `${this.#columns.map((column) => this.#headers[column]!.padEnd(this.#widths[column]! + GAP)).join('').trimEnd()}\n`;
  }

  #fill(text: Buffer, start: number, { bytes, ends, count }: CellRows): number {
    const cells = this.#headers.length;
    const [columns, widths] = [this.#columns, this.#widths];
    const last = columns.length - 1;
    let to = start;
    for (let row = 0; row < count; row++) {
      for (let i = 0; i <= last; i++) {
        const cell = row * cells + columns[i]!;
        const end = ends[cell]!;
        const stop = to + widths[columns[i]!]! + GAP;
        for (let at = cell === 0 ? 0 : ends[cell - 1]!; at < end; at++) text[to++] = bytes[at]!;
        if (i < last) while (to < stop) text[to++] = BLANK;
      }
      text[to++] = NEWLINE;
    }
    return to;
  }
}
