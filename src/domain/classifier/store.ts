/**
 * Decision diagrams, ordered, reduced and shared: equal functions are the same node, so equality is `===`.
 *
 * A node tests one variable and has one child for each interval of its values; `bounds` are the inclusive upper ends,
 * the last one the variable's maximum. Nodes live in typed arrays that only grow: a diagram of a million edges is then a
 * few megabytes instead of a heap of objects. References are node indices, or, when negative, `~terminal`.
 */

import { FIELD_COUNT, fieldMaximum, type Variable } from './fields.ts';

/** A node index (>= 0) or a terminal (`~index`). */
export type Ref = number;

/** The diagram outgrew what the caller allows. */
export class BudgetExceeded extends Error {
  readonly edges: number;

  constructor(edges: number) {
    super(`the diagram needs more than ${edges} edges`);
    this.edges = edges;
  }
}

/** A terminal while compiling. `kind` is a small bit, so that a node can say which kinds lie below it. */
export interface Terminal {
  kind: number;
  counted: readonly number[];
  natives: readonly number[];
}

type Numbers = Uint8Array<ArrayBuffer> | Uint16Array<ArrayBuffer> | Uint32Array<ArrayBuffer> | Int32Array<ArrayBuffer>;

const CACHE_LIMIT = 1 << 22;

export class DiagramStore {
  /** Variables in the order in which a path tests them; a node's level indexes it. */
  readonly variables: readonly Variable[];
  readonly terminals: Terminal[] = [];
  nodeCount = 0;
  edgeCount = 0;

  level = new Uint8Array(1024);
  first = new Uint32Array(1024);
  width = new Uint32Array(1024);
  /** Kinds of the terminals that can be reached from the node, OR-ed. */
  kinds = new Uint16Array(1024);
  bounds = new Uint32Array(4096);
  children = new Int32Array(4096);

  #slots = new Int32Array(4096).fill(-1);
  #terminalIds = new Map<string, number>();
  #levelOf = new Map<number, number>();
  #maxEdges: number;
  /** Direct-mapped result cache: a collision only costs a recomputation, because nodes never change. */
  #cache = new Int32Array(4 << 14).fill(-1);

  constructor(variables: readonly Variable[], maxEdges: number) {
    this.variables = variables;
    this.#maxEdges = maxEdges;
    variables.forEach((variable, level) => this.#levelOf.set(variableKey(variable), level));
  }

  /** Gives the memory back at once; the store is of no use after. */
  [Symbol.dispose](): void {
    const { level, first, width, kinds, bounds, children } = this;
    for (const numbers of [level, first, width, kinds, bounds, children, this.#slots, this.#cache]) numbers.buffer.transfer(0);
  }

  levelOf(variable: Variable): number {
    const level = this.#levelOf.get(variableKey(variable));
    if (level === undefined) throw new TypeError(`variable ${variable.field}/${variable.mask} was not declared`);
    return level;
  }

  terminal(kind: number, counted: readonly number[] = [], natives: readonly number[] = []): Ref {
    const key = `${kind}|${counted.join()}|${natives.join()}`;
    let id = this.#terminalIds.get(key);
    if (id === undefined) {
      id = this.terminals.push({ kind, counted, natives }) - 1;
      this.#terminalIds.set(key, id);
    }
    return ~id;
  }

  terminalOf(ref: Ref): Terminal {
    return this.terminals[~ref]!;
  }

  kindsOf(ref: Ref): number {
    return ref < 0 ? this.terminals[~ref]!.kind : this.kinds[ref]!;
  }

  /** Level of the node, or one below all for a terminal. */
  rank(ref: Ref): number {
    return ref < 0 ? 255 : this.level[ref]!;
  }

  /** Opens a node for `push`; nodes may be nested, each is finished by `finish` before its parent goes on. */
  begin(): number {
    return this.edgeCount;
  }

  /**
   * Appends an edge to the node that was begun at `from`, joining it with the one before where the child is the same.
   *
   * Only valid while no other node is open above `from`.
   */
  push(from: number, bound: number, child: Ref): void {
    const at = this.edgeCount;
    if (at > from && this.children[at - 1] === child) {
      this.bounds[at - 1] = bound;
      return;
    }
    if (at === this.bounds.length) this.#growEdges();
    this.bounds[at] = bound;
    this.children[at] = child;
    this.edgeCount = at + 1;
  }

  /** Turns the edges since `from` into a node, or finds the equal one that exists. */
  finish(level: number, from: number): Ref {
    const width = this.edgeCount - from;
    if (width === 1) {
      this.edgeCount = from;
      return this.children[from]!;
    }
    let slot = this.#hash(level, from, width) & (this.#slots.length - 1);
    for (let node = this.#slots[slot]!; node >= 0; node = this.#slots[slot]!) {
      if (this.level[node] === level && this.width[node] === width && this.#sameEdges(this.first[node]!, from, width)) {
        this.edgeCount = from;
        return node;
      }
      slot = (slot + 1) & (this.#slots.length - 1);
    }
    if (this.edgeCount > this.#maxEdges) throw new BudgetExceeded(this.#maxEdges);
    return this.#add(level, from, width, slot);
  }

  /** A node whose values in `intervals` (ascending, flat `[low, high, …]`) lead to `inside`, all others to `outside`. */
  test(level: number, intervals: readonly number[], inside: Ref, outside: Ref): Ref {
    const maximum = fieldMaximum(this.variables[level]!.field);
    const from = this.begin();
    let next = 0;
    for (let i = 0; i < intervals.length; i += 2) {
      const low = intervals[i]!;
      const high = intervals[i + 1]!;
      if (low > next) this.push(from, low - 1, outside);
      this.push(from, high, inside);
      next = high + 1;
    }
    if (next <= maximum) this.push(from, maximum, outside);
    return this.finish(level, from);
  }

  /** The child that `value` of the node's variable leads to. */
  childAt(node: number, value: number): Ref {
    const from = this.first[node]!;
    let low = from;
    let high = from + this.width[node]! - 1;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.bounds[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return this.children[low]!;
  }

  /** Cached result of `operation` on two operands, or undefined. Results may be any reference. */
  cached(operation: number, a: number, b: number): Ref | undefined {
    const at = this.#cacheSlot(operation, a, b);
    const cache = this.#cache;
    if (cache[at] === operation && cache[at + 1] === a && cache[at + 2] === b) return cache[at + 3];
    return undefined;
  }

  remember(operation: number, a: number, b: number, result: Ref): Ref {
    const at = this.#cacheSlot(operation, a, b);
    this.#cache[at] = operation;
    this.#cache[at + 1] = a;
    this.#cache[at + 2] = b;
    this.#cache[at + 3] = result;
    return result;
  }

  #cacheSlot(operation: number, a: number, b: number): number {
    const hash = mix(Math.imul(a, 0x9e3779b1) ^ Math.imul(b, 0x85ebca6b) ^ Math.imul(operation, 0xc2b2ae35));
    return (hash & (this.#cache.length / 4 - 1)) * 4;
  }

  #add(level: number, from: number, width: number, slot: number): number {
    const node = this.nodeCount;
    if (node === this.level.length) this.#growNodes();
    this.level[node] = level;
    this.first[node] = from;
    this.width[node] = width;
    let kinds = 0;
    for (let i = from; i < from + width; i++) kinds |= this.kindsOf(this.children[i]!);
    this.kinds[node] = kinds;
    this.nodeCount = node + 1;
    this.#slots[slot] = node;
    if (node * 2 > this.#slots.length) this.#rehash();
    return node;
  }

  #hash(level: number, from: number, width: number): number {
    let hash = level + Math.imul(width, 0x9e3779b1);
    for (let i = from; i < from + width; i++) {
      hash = Math.imul(hash ^ this.bounds[i]!, 0x85ebca6b);
      hash = Math.imul(hash ^ (hash >>> 15) ^ this.children[i]!, 0xc2b2ae35);
    }
    return mix(hash);
  }

  #sameEdges(a: number, b: number, width: number): boolean {
    for (let i = 0; i < width; i++)
      if (this.bounds[a + i] !== this.bounds[b + i] || this.children[a + i] !== this.children[b + i]) return false;
    return true;
  }

  #growEdges(): void {
    this.bounds = doubled(this.bounds, Uint32Array);
    this.children = doubled(this.children, Int32Array);
  }

  #growNodes(): void {
    this.level = doubled(this.level, Uint8Array);
    this.first = doubled(this.first, Uint32Array);
    this.width = doubled(this.width, Uint32Array);
    this.kinds = doubled(this.kinds, Uint16Array);
  }

  #rehash(): void {
    const slots = doubled(this.#slots, Int32Array).fill(-1);
    for (let node = 0; node < this.nodeCount; node++) {
      let slot = this.#hash(this.level[node]!, this.first[node]!, this.width[node]!) & (slots.length - 1);
      while (slots[slot]! >= 0) slot = (slot + 1) & (slots.length - 1);
      slots[slot] = node;
    }
    this.#slots = slots;
    if (this.#cache.length < 4 * CACHE_LIMIT) this.#cache = doubled(this.#cache, Int32Array).fill(-1);
  }
}

/** The variables of a compilation: every field of `order` with a full mask, then its masks in ascending order. */
export function orderVariables(order: readonly number[], masked: readonly Variable[]): Variable[] {
  if (order.length !== FIELD_COUNT) throw new TypeError('a field order names every field once');
  return order.flatMap((field) => [
    { field, mask: 0xffff_ffff },
    ...masked.filter((variable) => variable.field === field).sort((a, b) => a.mask - b.mask),
  ]);
}

const variableKey = ({ field, mask }: Variable): number => field * 2 ** 32 + mask;

function mix(hash: number): number {
  let h = hash ^ (hash >>> 16);
  h = Math.imul(h, 0x7feb352d);
  h ^= h >>> 15;
  h = Math.imul(h, 0x846ca68b);
  return (h ^ (h >>> 16)) >>> 0;
}

/** Twice as long; the memory moves with it, so that nothing waits for a garbage collection. */
function doubled<T extends Numbers>(old: T, make: new (memory: ArrayBuffer) => T): T {
  return new make(old.buffer.transfer(old.byteLength * 2));
}
