import { assemble, type RowContext, type Writer } from './assemble.ts';
import { STRIDE, type Program } from './program.ts';

/** Entries of which some are written; key i starts at `i * keySize`, value i at `i * valueBytes`. */
export interface Entries {
  keys: Buffer;
  values: Buffer;
  keySize: number;
  valueBytes: number;
}

/** Text of rows. `ends` has where each cell ends, for programs with cells. */
export interface Rows {
  bytes: Buffer;
  ends: Int32Array;
  count: number;
}

/** Room behind the last byte for what eight-byte steps write too much. */
const SLACK = 16;
/** Bytes that are written before they are handed out. */
const TARGET_BYTES = 1 << 23;

/** Writes many entries as text, one after the other into one Buffer. */
export class RowWriter {
  /** Rows that one call takes. */
  readonly capacity: number;
  readonly #writers: readonly Writer[];
  readonly #cells: number;
  readonly #starts: Int32Array;
  readonly #ends: Int32Array;
  /** Used in turn: the rows of one call stay while those of the next are written. */
  #out: Buffer;
  #other: Buffer;

  constructor(program: Program, targetBytes: number = TARGET_BYTES) {
    this.capacity = Math.max(1, Math.floor(targetBytes / program.maxBytes));
    this.#writers = assemble(program);
    this.#cells = program.cells;
    const bytes = this.capacity * program.maxBytes + SLACK;
    [this.#out, this.#other] = [Buffer.allocUnsafeSlow(bytes), Buffer.allocUnsafeSlow(bytes)];
    this.#ends = new Int32Array(this.capacity * program.cells);
    this.#starts = new Int32Array((program.code.length / STRIDE) * 2);
  }

  /** Writes entries `from` to `to`, at most `capacity`; with `rows` those whose numbers stand there. What the call before returned stays as it is. */
  write({ keys, values, keySize, valueBytes }: Entries, from: number, to: number, rows?: Uint32Array): Rows {
    [this.#out, this.#other] = [this.#other, this.#out];
    const context: RowContext = {
      keys: viewOf(keys), values: viewOf(values), keyBytes: keys, valueBytes: values, out: viewOf(this.#out), text: this.#out, starts: this.#starts, ends: this.#ends, cell: 0,
    };
    let end = 0;
    for (let i = from; i < to; i++) {
      const row = rows === undefined ? i : rows[i]!;
      for (const writer of this.#writers) end = writer(context, row * keySize, row * valueBytes, end);
    }
    return { bytes: this.#out.subarray(0, end), ends: this.#ends.subarray(0, (to - from) * this.#cells), count: to - from };
  }
}

const viewOf = (bytes: Buffer): DataView => new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
