/**
 * The image read back from the kernel, as diagrams again: the other half of the proof.
 *
 * Written against the layout in `bpf/include/engine.h`, sharing nothing with the encoder but that layout. Chains of search
 * nodes over one variable are put together into one node.
 */

import { OperationError } from '../../lib/errors.ts';
import type { Variable } from './fields.ts';
import { HOOKS, type HookName, type Outcome } from './outcome.ts';

const HEADER = { magic: 0, version: 1, length: 2, leaves: 4, roots: 8, words: 64 };
const MAGIC = 0x534c4345;
const WAYS = [4, 8, 16];
const TABLE = 3;
const MASKED = 4;
const EQUAL = 5;
const MAXIMUM = 0xffff_ffff;

/** One node over one variable: ascending inclusive upper bounds and a reference for each interval. */
export interface ImageNode {
  variable: Variable;
  bounds: number[];
  refs: number[];
}

/** The diagrams in an image. References are word offsets of nodes, or leaves (bit 31 set). */
export class DecodedImage {
  readonly #words: Uint32Array;
  readonly #outcomes: readonly Outcome[];
  readonly #end: number;

  /**
   * `outcomes` says what each leaf means; verdicts in the image must agree with it.
   *
   * @throws OperationError SL3103 when the bytes are no image of this version.
   */
  constructor(bytes: Buffer, outcomes: readonly Outcome[]) {
    this.#words = new Uint32Array(bytes.buffer.slice(bytes.byteOffset, bytes.byteOffset + (bytes.length & ~3)));
    this.#outcomes = outcomes;
    this.#end = this.#words[HEADER.length] ?? 0;
    if (this.#words[HEADER.magic] !== MAGIC || this.#words[HEADER.version] !== 1 || this.#end > this.#words.length)
      throw corrupt('no image header');
    if (this.#words[HEADER.leaves] !== outcomes.length) throw corrupt('another number of leaves');
  }

  root(hook: HookName): number {
    return this.#words[HEADER.roots + HOOKS[hook]]!;
  }

  isLeaf(ref: number): boolean {
    return ref >= 0x8000_0000;
  }

  /** What a leaf means; its verdict bits are compared with the meaning. */
  outcome(ref: number): Outcome {
    const outcome = this.#outcomes[ref % 2 ** 29];
    if (outcome === undefined) throw corrupt(`leaf ${ref % 2 ** 29} has no meaning`);
    const expected = outcome.natives.length > 0 ? 2 : outcome.verdict === 'DROP' ? 1 : 0;
    if (Math.floor(ref / 2 ** 29) % 4 !== expected) throw corrupt(`leaf ${ref % 2 ** 29} has another verdict`);
    return outcome;
  }

  node(ref: number): ImageNode {
    const variable = this.#variable(ref);
    const bounds: number[] = [];
    const refs: number[] = [];
    this.#collect(ref, variable, 0, MAXIMUM, 0, (bound, child) => {
      if (refs.at(-1) === child) bounds[bounds.length - 1] = bound;
      else {
        bounds.push(bound);
        refs.push(child);
      }
    });
    return { variable, bounds, refs };
  }

  #variable(ref: number): Variable {
    const first = this.#word(ref);
    return { field: (first >>> 16) & 31, mask: first >>> 29 === MASKED ? this.#word(ref + 1) : MAXIMUM };
  }

  /** Reports the intervals of `variable` between `low` and `high` and where each leads, following nodes that test it on. */
  #collect(ref: number, variable: Variable, low: number, high: number, depth: number, each: (bound: number, child: number) => void): void {
    if (this.isLeaf(ref) || !sameVariable(this.#variable(ref), variable)) return each(high, ref);
    if (depth > 40) throw corrupt('a node leads back to itself');
    for (const [from, to, child] of this.#edges(ref))
      if (to >= low && from <= high) this.#collect(child, variable, Math.max(from, low), Math.min(to, high), depth + 1, each);
  }

  /** `[from, to, child]` of every edge of one stored node, empty ones left out. */
  *#edges(ref: number): Generator<[number, number, number]> {
    const kind = this.#word(ref) >>> 29;
    if (kind === TABLE) return yield* this.#tableEdges(ref);
    if (kind === EQUAL) return yield* this.#equalEdges(ref);
    const ways = kind === MASKED ? 4 : WAYS[kind];
    if (ways === undefined) throw corrupt(`node kind ${kind}`);
    const keys = ref + (kind === MASKED ? 2 : 1);
    let from = 0;
    for (let i = 0; i < ways; i++) {
      const to = i === ways - 1 ? MAXIMUM : this.#word(keys + i);
      if (to >= from) yield [from, to, this.#word(keys + ways - 1 + i)];
      if (to === MAXIMUM) return;
      if (to < from && i > 0) throw corrupt('bounds out of order');
      from = to + 1;
    }
  }

  *#equalEdges(ref: number): Generator<[number, number, number]> {
    const key = this.#word(ref + 1);
    if (key > 0) yield [0, key - 1, this.#word(ref + 2)];
    yield [key, key, this.#word(ref + 3)];
    if (key < MAXIMUM) yield [key + 1, MAXIMUM, this.#word(ref + 2)];
  }

  *#tableEdges(ref: number): Generator<[number, number, number]> {
    const shift = (this.#word(ref) >>> 24) & 31;
    const base = this.#word(ref + 1);
    const last = this.#word(ref + 2);
    for (let i = 0; i <= last; i++) {
      const from = i === 0 ? 0 : base + i * 2 ** shift;
      const to = i === last ? MAXIMUM : base + (i + 1) * 2 ** shift - 1;
      yield [from, to, this.#word(ref + 3 + i)];
    }
  }

  #word(at: number): number {
    if (at < HEADER.words || at >= this.#end) throw corrupt(`reference to word ${at}`);
    return this.#words[at]!;
  }
}

const sameVariable = (a: Variable, b: Variable): boolean => a.field === b.field && a.mask === b.mask;

const corrupt = (what: string): OperationError =>
  new OperationError(`the image in the kernel is damaged: ${what}`, { code: 'SL3103' });
