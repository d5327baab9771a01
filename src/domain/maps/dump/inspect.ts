import { SluiceError } from '../../../lib/errors.ts';
import { openById, BpfMap, type Chunk } from '../../../kernel/bpf/index.ts';
import type { Reference } from '../../bpf/index.ts';
import { parseHints } from '../layout/hints.ts';
import type { MapEntry } from '../model.ts';
import { describeOpen, openMap, type OpenMap } from '../open/inspect.ts';
import { checkVerb } from '../refuse.ts';
import { compileCells, compileJson } from '../write/compile.ts';
import { toText } from '../write/json.ts';
import { RowWriter, type Entries } from '../write/row-writer.ts';
import { showEntry } from './entry.ts';
import { findField } from './field.ts';
import { compileFilters } from './filter.ts';
import { innerCells, toCells, type Cells } from './nested.ts';
import { Selection } from './selection.ts';

/** What of a map is wanted, and how its bytes are to be read. */
export interface DumpRequest {
  /** As `parseHints` takes it. */
  as?: string | undefined;
  filters?: readonly string[];
  /** A field, as in filters. */
  sortBy?: string | undefined;
  /** 0 or absent for all. */
  limit?: number | undefined;
  /** Follows the maps that a map of maps holds. */
  recursive?: boolean;
}

/** The entries of a map, read once in one of three forms; the map is closed at the end of that. */
export interface EntryStream {
  headers: readonly string[];
  json(before: string, after: string): AsyncGenerator<Buffer>;
  cells(): AsyncGenerator<Cells>;
  items(): AsyncGenerator<MapEntry>;
  outcome(): { complete: boolean; warnings: readonly string[]; note?: string };
  /** Without reading. */
  close(): void;
}

/** Bytes of keys and values that are read at once. */
const CHUNK_BYTES = 1 << 21;
const MAX_CHUNK = 32_768;

/**
 * Opens a map to be dumped. Entries that others add or delete meanwhile may be missing or come twice, as everywhere.
 *
 * @throws OperationError SL2601 for types without a list of entries; UsageError SL2602, SL2603, SL2604 for what was asked for
 */
export function dumpMap(reference: Reference, request: DumpRequest = {}): EntryStream {
  const open = openMap(reference, request.as);
  try {
    checkVerb(`map ${open.name}`, open.type, 'dump');
    return request.recursive === true && open.traits.value === 'map' ? new NestedDump(open, request) : new Dump(open, request);
  } catch (error) {
    open.map.close();
    throw error;
  }
}

class Dump implements EntryStream {
  protected readonly open: OpenMap;
  protected readonly selection: Selection;
  /** Being read already, while what writes them is made. */
  readonly #chunks: AsyncGenerator<Chunk>;

  constructor(open: OpenMap, { filters = [], sortBy, limit }: DumpRequest) {
    this.open = open;
    this.selection = new Selection(sizesOf(open), {
      filter: compileFilters(filters, open.layout), sortBy: sortBy === undefined ? undefined : findField(sortBy, open.layout), limit: limit === undefined || limit === 0 ? Infinity : limit,
    });
    this.#chunks = readChunks(open);
  }

  get headers(): readonly string[] {
    return this.open.layout.perCpu === undefined ? ['KEY', 'VALUE'] : ['KEY', 'CPU', 'VALUE'];
  }

  async *json(before: string, after: string): AsyncGenerator<Buffer> {
    const writer = new RowWriter(compileJson(this.open.layout, before, after));
    for await (const { entries, rows, count } of this.selected())
      for (let at = 0; at < count; at += writer.capacity) yield writer.write(entries, at, Math.min(count, at + writer.capacity), rows).bytes;
  }

  async *cells(): AsyncGenerator<Cells> {
    const writer = new RowWriter(compileCells(this.open.layout));
    const rowsPerEntry = this.open.layout.perCpu?.count ?? 1;
    for await (const { entries, rows, count } of this.selected())
      for (let at = 0; at < count; at += writer.capacity) {
        const written = writer.write(entries, at, Math.min(count, at + writer.capacity), rows);
        yield { ...written, count: written.count * rowsPerEntry };
      }
  }

  async *items(): AsyncGenerator<MapEntry> {
    for await (const { entries, rows, count } of this.selected())
      for (let i = 0; i < count; i++) yield showEntry(this.open.layout, entryAt(entries, rows === undefined ? i : rows[i]!));
  }

  outcome(): { complete: boolean; warnings: readonly string[]; note?: string } {
    return this.selection.outcome();
  }

  close(): void {
    this.open.map.close();
  }

  /** The entries that are wanted, chunk by chunk; closes the map. */
  protected async *selected(): AsyncGenerator<{ entries: Entries; rows: Uint32Array | undefined; count: number }> {
    try {
      for await (const chunk of this.#chunks) {
        const { rows, count } = this.selection.take(chunk);
        if (count > 0) yield { entries: { ...chunk, ...sizesOf(this.open) }, rows, count };
        if (this.selection.isFull) return;
      }
      yield* this.selection.rest();
    } finally {
      this.close();
    }
  }
}

const sizesOf = ({ map, info }: OpenMap): { keySize: number; valueBytes: number } => ({ keySize: info.keySize, valueBytes: map.valueBytes });

const entryAt = ({ keys, values, keySize, valueBytes }: Entries, row: number) => ({ keys, keyAt: row * keySize, values, valueAt: row * valueBytes });

function readChunks({ map, info }: OpenMap): AsyncGenerator<Chunk> {
  const fitting = Math.floor(CHUNK_BYTES / Math.max(1, info.keySize + map.valueBytes));
  return map.chunksAhead(Math.max(1, Math.min(fitting, MAX_CHUNK)));
}

/** Maps of maps with what they hold: every entry has those of the inner map. */
class NestedDump extends Dump {
  readonly #hints: string | undefined;
  readonly #warnings: string[] = [];

  constructor(open: OpenMap, request: DumpRequest) {
    super(open, request);
    this.#hints = request.as;
  }

  override get headers(): readonly string[] {
    return ['KEY', 'MAP', 'INNER-KEY', 'CPU', 'VALUE'];
  }

  override async *items(): AsyncGenerator<MapEntry> {
    for await (const entry of super.items()) yield { ...entry, entries: await this.#inside(Number(entry.value!.decoded)) };
  }

  override async *json(before: string, after: string): AsyncGenerator<Buffer> {
    for await (const item of this.items()) yield Buffer.from(`${before}${toText(item as never)}${after}`);
  }

  override async *cells(): AsyncGenerator<Cells> {
    for await (const { key, value, entries } of this.items()) {
      yield toCells(entries!.flatMap(innerCells).map((cells) => [key!.display, value!.display, ...cells]));
    }
  }

  override outcome(): { complete: boolean; warnings: readonly string[]; note?: string } {
    const outer = super.outcome();
    return { ...outer, complete: outer.complete && this.#warnings.length === 0, warnings: [...outer.warnings, ...this.#warnings] };
  }

  /** Entries of an inner map; none and a warning where it is gone or cannot be read. */
  async #inside(id: number): Promise<MapEntry[]> {
    const fd = openById('map', id);
    if (fd === undefined) {
      this.#warnings.push(`map ${id} is gone`);
      return [];
    }
    const inner = describeOpen(BpfMap.adopt(fd), { formats: new Map(), guess: parseHints(this.#hints).guess });
    try {
      checkVerb(`map ${id}`, inner.type, 'dump');
      return await gather(new Dump(inner, {}).items());
    } catch (error) {
      if (!(error instanceof SluiceError)) throw error;
      this.#warnings.push(error.message);
      return [];
    } finally {
      inner.map.close();
    }
  }
}

async function gather<T>(items: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const item of items) all.push(item);
  return all;
}
