/** Entries from a file: parsed, turned into bytes, and collected in large pieces for the kernel. */

import { ParseError, SluiceError } from '../../../lib/errors.ts';
import { encodeJson, parseExact, type JsonValue } from '../layout/encode.ts';
import type { Layout } from '../layout/layout.ts';
import type { EntryLayout } from '../write/compile.ts';
import { CsvRecords, type CsvRecord } from './csv.ts';
import { ItemsError, JsonItems } from './json-items.ts';

/** One entry as it was written. */
export interface SourceEntry {
  key?: JsonValue;
  value?: JsonValue;
  values?: JsonValue;
  line: number;
}

export type SourceFormat = 'json' | 'csv';

/** Entries of a stream, in the format that its first character tells unless one is given. @throws ParseError SL2620 with the line */
export async function* readEntries(pieces: AsyncIterable<Buffer>, source: string, format?: SourceFormat): AsyncGenerator<SourceEntry[]> {
  let reader: Reader | undefined;
  for await (const piece of pieces) {
    if (reader === undefined && piece.toString('latin1').trim() === '') continue;
    reader ??= (format ?? formatOf(piece)) === 'json' ? new JsonReader(source) : new CsvReader(source);
    yield [...reader.push(piece)];
  }
  if (reader !== undefined) yield [...reader.end()];
}

const formatOf = (piece: Buffer): SourceFormat => (/^\s*[[{]/.test(piece.toString('latin1', 0, 4096)) ? 'json' : 'csv');

interface Reader {
  push(piece: Buffer): Iterable<SourceEntry>;
  end(): Iterable<SourceEntry>;
}

class JsonReader implements Reader {
  readonly #items = new JsonItems();
  readonly #source: string;

  constructor(source: string) {
    this.#source = source;
  }

  *push(piece: Buffer): Generator<SourceEntry> {
    try {
      for (const { text, line } of this.#items.push(piece)) yield this.#parse(text, line);
    } catch (error) {
      throw error instanceof ItemsError ? bad(this.#source, error.line, error.message) : error;
    }
  }

  end(): SourceEntry[] {
    try {
      this.#items.end();
    } catch (error) {
      throw error instanceof ItemsError ? bad(this.#source, error.line, error.message) : error;
    }
    return [];
  }

  #parse(text: string, line: number): SourceEntry {
    let parsed: JsonValue;
    try {
      parsed = parseExact(text);
    } catch (error) {
      throw bad(this.#source, line, (error as Error).message);
    }
    const { key, value, values } = parsed as { readonly [name: string]: JsonValue };
    if (value === undefined && values === undefined) throw bad(this.#source, line, 'an entry has "key" and "value"');
    return { line, ...(key === undefined ? {} : { key }), ...(value === undefined ? {} : { value }), ...(values === undefined ? {} : { values }) };
  }
}

class CsvReader implements Reader {
  readonly #records = new CsvRecords();
  readonly #decoder = new TextDecoder();
  readonly #source: string;
  /** Paths of the columns: from a header, or key and value. */
  #columns: readonly string[] | undefined;

  constructor(source: string) {
    this.#source = source;
  }

  *push(piece: Buffer): Generator<SourceEntry> {
    for (const record of this.#records.push(this.#decoder.decode(piece, { stream: true }))) yield* this.#read(record);
  }

  *end(): Generator<SourceEntry> {
    for (const record of this.#records.end()) yield* this.#read(record);
  }

  *#read({ fields, line }: CsvRecord): Generator<SourceEntry> {
    if (this.#columns === undefined) {
      const isHeader = fields.every((field) => /^(key|value)(\.|$)/i.test(field));
      this.#columns = isHeader ? fields.map((field) => field.replace(/^(key|value)/i, (root) => root.toLowerCase())) : ['key', 'value'].slice(2 - fields.length);
      if (isHeader) return;
    }
    if (fields.length !== this.#columns.length) throw bad(this.#source, line, `${fields.length} fields, where ${this.#columns.length} are expected: ${this.#columns.join(', ')}`);
    const tree: { [name: string]: JsonValue } = {};
    this.#columns.forEach((path, i) => place(tree, path.split('.'), fields[i]!));
    yield { ...tree, line } as unknown as SourceEntry;
  }
}

function place(tree: { [name: string]: JsonValue }, [step = '', ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) tree[step] = value;
  else place((tree[step] ??= {}) as { [name: string]: JsonValue }, rest, value);
}

/** Where the bytes of one entry go: zero, and as long as they are. */
export interface EntrySlot {
  key: Buffer;
  value: Buffer;
}

/** Writes the bytes of one entry. @throws ParseError SL2620 with the line and what was expected */
export function encodeEntry({ key, value, perCpu }: EntryLayout, entry: SourceEntry, source: string, slot: EntrySlot): void {
  try {
    if (key !== undefined) encodeJson(key, entry.key ?? null, 'key', slot.key);
    if (perCpu === undefined) encodeJson(value, entry.value ?? null, 'value', slot.value);
    else encodePerCpu(value, entry, perCpu, slot.value);
  } catch (error) {
    if (!(error instanceof SluiceError)) throw error;
    throw bad(source, entry.line, error.message, error);
  }
}

/** `values` names CPUs; a single `value` is for all of them. */
function encodePerCpu(layout: Layout, { value, values }: SourceEntry, { count, stride }: { count: number; stride: number }, bytes: Buffer): void {
  if (values === undefined) {
    const one = encodeJson(layout, value ?? null, 'value');
    for (let cpu = 0; cpu < count; cpu++) one.copy(bytes, cpu * stride);
    return;
  }
  for (const item of values as readonly { cpu: number; value: JsonValue }[]) if (item.cpu < count) encodeJson(layout, item.value, 'value').copy(bytes, item.cpu * stride);
}

const bad = (source: string, line: number, what: string, cause?: unknown): ParseError => new ParseError(source, line, 1, what, { code: 'SL2620', cause });

/** Encoded entries in pieces of equal size, with their lines. */
export class EncodedEntries {
  readonly pieces: { keys: Buffer; values: Buffer; lines: Uint32Array; count: number }[] = [];
  readonly #keySize: number;
  readonly #valueBytes: number;
  readonly #perPiece: number;
  bytes = 0;

  constructor(keySize: number, valueBytes: number, perPiece: number) {
    this.#keySize = keySize;
    this.#valueBytes = valueBytes;
    this.#perPiece = perPiece;
  }

  /** Room for one entry more. */
  add(line: number): EntrySlot {
    let piece = this.pieces.at(-1);
    if (piece === undefined || piece.count === this.#perPiece) {
      piece = { keys: Buffer.alloc(this.#perPiece * this.#keySize), values: Buffer.alloc(this.#perPiece * this.#valueBytes), lines: new Uint32Array(this.#perPiece), count: 0 };
      this.pieces.push(piece);
      this.bytes += piece.keys.length + piece.values.length;
    }
    const at = piece.count++;
    piece.lines[at] = line;
    return { key: piece.keys.subarray(at * this.#keySize, (at + 1) * this.#keySize), value: piece.values.subarray(at * this.#valueBytes, (at + 1) * this.#valueBytes) };
  }
}
