/**
 * What writes a row, as a list of steps: fixed text, then the bytes at one place in one form. Compiled once for a type of key and a
 * type of value, run for every entry.
 */

import type { Layout } from '../layout/layout.ts';

/** What a step does with the bytes at `at`. */
export const Step = {
  /** Nothing more than its fixed text. */
  TEXT: 0,
  HEX: 1,
  U8: 2, U16: 3, U32: 4, U64: 5,
  S8: 6, S16: 7, S32: 8, S64: 9,
  BE16: 10, BE32: 11, BE64: 12,
  /** `argument` is the number of bytes, `more` 64 times the shift and the number of bits, at most 32 together; BITS_SIGNED for signed ones. */
  BITS: 13, BITS_SIGNED: 14,
  BOOL: 15,
  /** `argument` names one of `enums`; `more` is twice the step that reads the number, and 1 where names stand in quotes. */
  ENUM: 16,
  POINTER: 17,
  IPV4: 18, IPV6: 19, MAC: 20,
  /** A string of `argument` bytes; `more` is a `TextMode`. */
  STRING: 21,
  /** What step `argument` wrote in this row, once more. */
  COPY: 22,
  /** What function `argument` of `functions` says. */
  FUNCTION: 23,
  /** The end of a table cell. */
  CELL: 24,
} as const;

/** How a string is written: within JSON quotes as it is, within JSON quotes for people, or bare for people. */
export const TextMode = { JSON: 0, JSON_DISPLAY: 1, DISPLAY: 2 } as const;

/** Added to a step that reads the value and not the key. */
export const OF_VALUE = 32;
/** Numbers of a step in `code`. */
export const STRIDE = 6;

export interface Program {
  /** For each step: what, with OF_VALUE; first literal word, literal bytes, at, argument, more. */
  code: Int32Array;
  /** Fixed text, eight bytes a number, padded. */
  literals: Float64Array;
  enums: readonly ReadonlyMap<number, string>[];
  functions: readonly ((bytes: Buffer, base: number) => string)[];
  /** No row is longer. */
  maxBytes: number;
  /** Table cells in a row; 0 for JSON. */
  cells: number;
}

/** Collects steps. Text is put before the next step, so that a row takes few of them. */
export class ProgramBuilder {
  readonly #code: number[] = [];
  readonly #literals: Buffer[] = [];
  readonly #enums: ReadonlyMap<number, string>[] = [];
  readonly #functions: ((bytes: Buffer, base: number) => string)[] = [];
  #words = 0;
  #pending = '';
  #maxBytes = 0;
  #cells = 0;
  /** Layouts with more scalars are written by functions. */
  readonly maxScalars: number;

  constructor(cpus: number) {
    this.maxScalars = Math.min(MAX_SCALARS, Math.floor(MAX_SCALARS_IN_ALL / cpus));
  }

  #source = 0;

  /** Printable characters only: eight are copied as one number, which is exact for these. */
  text(text: string): this {
    this.#pending += text;
    return this;
  }

  /** Adds a step that writes at most `maxBytes`; returns its number, for `COPY`. */
  step(what: number, at: number, maxBytes: number, argument = 0, more = 0): number {
    const text = Buffer.from(this.#pending, 'latin1');
    this.#pending = '';
    this.#code.push(what + this.#source, this.#words, text.length, at, argument, more);
    this.#literals.push(text, Buffer.alloc((8 - (text.length % 8)) % 8));
    this.#words += Math.ceil(text.length / 8);
    this.#maxBytes += text.length + maxBytes;
    if (what === Step.CELL) this.#cells++;
    return this.#code.length / STRIDE - 1;
  }

  enum(names: ReadonlyMap<number, string>): number {
    return this.#enums.push(names) - 1;
  }

  function(write: (bytes: Buffer, base: number) => string): number {
    return this.#functions.push(write) - 1;
  }

  /** Says what the steps that follow read. */
  read(what: 'key' | 'value'): this {
    this.#source = what === 'value' ? OF_VALUE : 0;
    return this;
  }

  finish(): Program {
    this.step(Step.TEXT, 0, 0);
    const bytes = Buffer.concat(this.#literals);
    return {
      code: Int32Array.from(this.#code), literals: new Float64Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + bytes.length)),
      enums: this.#enums, functions: this.#functions, maxBytes: this.#maxBytes, cells: this.#cells,
    };
  }
}

/** A layout with more scalars than this is written by a function: unrolled it would be longer than what it writes. */
const MAX_SCALARS = 512;
/** The same for the values of all CPUs together. */
const MAX_SCALARS_IN_ALL = 8192;

/** Digits of the largest number of as many bytes, a sign and a separator. */
const INT_BYTES = { 1: 5, 2: 7, 4: 12, 8: 22 } as const;

/** The longest text that the scalars of a layout make, in JSON or for people, with their names and paths. */
export function maxTextBytes(layout: Layout, pathBytes: number = 0): number {
  switch (layout.kind) {
    case 'struct': return layout.members.reduce((sum, { name, layout: inner }) => sum + name.length * 6 + 6 + maxTextBytes(inner, pathBytes + name.length * 6 + 1), 2);
    case 'array': return layout.count * (maxTextBytes(layout.element, pathBytes + 8) + 1) + 2 + pathBytes;
    case 'prefix': return 128 + layout.names.join('').length * 6 + pathBytes;
    case 'enum': return pathBytes + 4 + Math.max(22, ...[...layout.names.values()].map((name) => name.length * 6));
    case 'int': return pathBytes + INT_BYTES[layout.size];
    case 'text': return pathBytes + 4 + layout.size * 6;
    case 'hex': return pathBytes + 4 + layout.size * 2;
    default: return pathBytes + 50;
  }
}
