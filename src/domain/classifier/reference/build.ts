/**
 * The reference diagram: partitions the sequence of guarded effects field by field, from the top.
 *
 * At each variable the entries that can still apply are divided by the values they want; equal sub-lists are decided once.
 * When no variable is left, the remaining effects happen one after the other. Slow and plain on purpose.
 */

import { hash } from 'node:crypto';
import { fieldMaximum, Field, type Variable } from '../fields.ts';
import type { HookName, Outcome } from '../outcome.ts';
import { variableName, type ValueSet } from './boxes.ts';
import type { Effect, Entry } from './flatten.ts';

/** A node tests a variable; a terminal says what happens. Equal ones are the same object. */
export type ReferenceNode =
  | { id: number; variable: Variable; bounds: number[]; children: ReferenceNode[] }
  | { id: number; outcome: Outcome };

/** Builds the diagram of a flattened base chain over `variables`, in that order. */
export function buildReference(entries: Iterable<Entry>, variables: readonly Variable[], hook: HookName): ReferenceNode {
  return new ReferenceBuilder(entries, variables, hook).build();
}

/** What the reference says of one packet key. */
export function evaluateReference(root: ReferenceNode, key: readonly number[]): Outcome {
  let node = root;
  while (!('outcome' in node)) {
    const { variable, bounds, children } = node;
    const value = (key[variable.field]! & variable.mask) >>> 0;
    node = children[bounds.findIndex((bound) => value <= bound)]!;
  }
  return node.outcome;
}

/** Indices of effects, ascending. Outside the heap, so that the garbage of one list is not kept until there are gigabytes of it. */
type Entries = Uint32Array<ArrayBuffer>;

class ReferenceBuilder {
  readonly #effects: Effect[] = [];
  readonly #variables: readonly Variable[];
  readonly #absent: (field: number) => boolean;
  /** Wanted values of each entry by level; undefined where the entry does not ask. */
  readonly #wants: (ValueSet | undefined)[][];
  /** Deepest level at which each entry wants something; -1 for one that always applies. */
  readonly #lastAsked: number[] = [];
  readonly #memo: Map<string, ReferenceNode>[];
  readonly #nodes = new Map<string, ReferenceNode>();

  constructor(entries: Iterable<Entry>, variables: readonly Variable[], hook: HookName) {
    this.#variables = variables;
    this.#memo = variables.map(() => new Map());
    const from = hook === 'INPUT' ? Field.OIF : hook === 'OUTPUT' ? Field.IIF : -1;
    this.#absent = (field) => from >= 0 && field >= from && field < from + 4;
    const levels = new Map(variables.map(({ field, mask }, level) => [variableName(field, mask), level]));
    this.#wants = variables.map(() => []);
    for (const { guards, effect } of entries) {
      const i = this.#effects.push(effect) - 1;
      this.#lastAsked.push(-1);
      for (const guard of guards) for (const [name, values] of guard) this.#want(i, levels.get(name)!, values);
    }
  }

  build(): ReferenceNode {
    return this.#partition(0, Uint32Array.from(this.#effects.keys()));
  }

  #want(i: number, level: number, values: ValueSet): void {
    const wants = this.#wants[level]!;
    this.#lastAsked[i] = Math.max(this.#lastAsked[i]!, level);
    wants[i] = wants[i] === undefined ? values : common(wants[i], values);
  }

  #partition(level: number, possible: Entries): ReferenceNode {
    const entries = this.#untilDecided(level, possible);
    const at = this.#nextAsked(level, entries);
    if (at === this.#variables.length) return this.#happen(entries);
    const key = digest(entries);
    let node = this.#memo[at]!.get(key);
    if (node === undefined) {
      node = this.#divide(at, entries);
      this.#memo[at]!.set(key, node);
    }
    return node;
  }

  /** Without what comes behind a verdict that certainly happens, or is certainly skipped. */
  #untilDecided(level: number, entries: Entries): Entries {
    const kept = new Uint32Array(entries.length);
    let count = 0;
    let skipped = 0;
    let mayskip = 0;
    for (const i of entries) {
      if (i < skipped) continue;
      kept[count++] = i;
      const effect = this.#effects[i]!;
      const certain = this.#lastAsked[i]! < level;
      if (effect.kind === 'skip') {
        if (certain && i >= mayskip) skipped = effect.to;
        mayskip = Math.max(mayskip, effect.to);
      } else if (effect.kind === 'verdict' && certain && i >= mayskip) break;
    }
    return count === entries.length ? entries : kept.slice(0, count);
  }

  /** The first level from `level` on at which one of the entries wants something. */
  #nextAsked(level: number, entries: Entries): number {
    for (let at = level; at < this.#variables.length; at++) {
      const wants = this.#wants[at]!;
      if (wants.length > 0 && entries.some((i) => wants[i] !== undefined)) return at;
    }
    return this.#variables.length;
  }

  #divide(level: number, entries: Entries): ReferenceNode {
    const wants = this.#wants[level]!;
    const variable = this.#variables[level]!;
    if (this.#absent(variable.field)) return this.#partition(level + 1, entries.filter((i) => wants[i] === undefined || contains(wants[i], 0)));
    const bounds: number[] = [];
    const children: ReferenceNode[] = [];
    for (const [bound, inside] of sweep(entries, wants, fieldMaximum(variable.field))) {
      const child = this.#partition(level + 1, inside);
      if (children.at(-1) === child) bounds[bounds.length - 1] = bound;
      else {
        bounds.push(bound);
        children.push(child);
      }
    }
    if (children.length === 1) return children[0]!;
    return this.#intern(`${level}|${bounds.join()}|${children.map(({ id }) => id).join()}`, (id) => ({ id, variable, bounds, children }));
  }

  /** The effects of entries that apply, in order. */
  #happen(entries: Entries): ReferenceNode {
    const counted: number[] = [];
    const natives: number[] = [];
    let verdict: Outcome['verdict'] | undefined;
    let from = 0;
    for (const i of entries) {
      if (i < from) continue;
      const effect = this.#effects[i]!;
      if (effect.kind === 'count') counted.push(effect.rule);
      else if (effect.kind === 'native') natives.push(effect.rule);
      else if (effect.kind === 'skip') from = effect.to;
      else {
        verdict = effect.verdict;
        break;
      }
    }
    if (verdict === undefined) throw new TypeError('a walk without a verdict');
    const outcome: Outcome = { verdict, counted, natives };
    return this.#intern(`${verdict}|${counted.join()}|${natives.join()}`, (id) => ({ id, outcome }));
  }

  #intern(key: string, make: (id: number) => ReferenceNode): ReferenceNode {
    let node = this.#nodes.get(key);
    if (node === undefined) {
      node = make(this.#nodes.size);
      this.#nodes.set(key, node);
    }
    return node;
  }
}

/** Stands for a list, which may have 100,000 members, in 32 bytes. */
const digest = (entries: Entries): string => hash('sha256', entries, 'binary');

/** Elementary intervals by upper bound, with the entries that apply in each, ascending. */
function* sweep(entries: Entries, wants: readonly (ValueSet | undefined)[], maximum: number): Generator<[number, Entries]> {
  const always: number[] = [];
  const owners: number[] = [];
  const lows: number[] = [];
  const highs: number[] = [];
  for (const i of entries) {
    const values = wants[i];
    if (values === undefined) always.push(i);
    else
      for (const [low, high] of values) {
        owners.push(i);
        lows.push(low);
        highs.push(high);
      }
  }
  const byLow = ascending(lows);
  const byHigh = ascending(highs);
  const active = new SortedList(owners.length);
  for (let low = 0, opened = 0, closed = 0; low <= maximum; ) {
    for (; lows[byLow[opened]!] === low; opened++) active.add(owners[byLow[opened]!]!);
    const bound = Math.min(maximum, (lows[byLow[opened]!] ?? Infinity) - 1, highs[byHigh[closed]!] ?? Infinity);
    yield [bound, merge(always, active.members)];
    const first = closed;
    while (highs[byHigh[closed]!] === bound) closed++;
    // From the end, where nothing has to move up: often half of all entries end together.
    for (let at = closed; at > first; at--) active.delete(owners[byHigh[at - 1]!]!);
    low = bound + 1;
  }
}

/** Different numbers, ascending. */
class SortedList {
  readonly #numbers: Entries;
  #count = 0;

  constructor(capacity: number) {
    this.#numbers = new Uint32Array(capacity);
  }

  /** Valid until the next change. */
  get members(): Entries {
    return this.#numbers.subarray(0, this.#count);
  }

  add(value: number): void {
    const at = this.#place(value);
    this.#numbers.copyWithin(at + 1, at, this.#count++);
    this.#numbers[at] = value;
  }

  delete(value: number): void {
    const at = this.#place(value);
    this.#numbers.copyWithin(at, at + 1, this.#count--);
  }

  /** Where the value is, or belongs. */
  #place(value: number): number {
    let low = 0;
    for (let high = this.#count; low < high; ) {
      const middle = (low + high) >>> 1;
      if (this.#numbers[middle]! < value) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Indices of the values in ascending order. */
const ascending = (values: readonly number[]): Uint32Array => Uint32Array.from(values.keys()).sort((a, b) => values[a]! - values[b]!);

/** Two ascending lists as one. */
function merge(a: readonly number[], b: Entries): Entries {
  const merged = new Uint32Array(a.length + b.length);
  for (let i = 0, j = 0; i < a.length || j < b.length; )
    merged[i + j] = j >= b.length || (i < a.length && a[i]! < b[j]!) ? a[i++]! : b[j++]!;
  return merged;
}

const contains = (values: ValueSet, value: number): boolean => values.some(([low, high]) => value >= low && value <= high);

function common(a: ValueSet, b: ValueSet): ValueSet {
  return a.flatMap(([low, high]) => b.flatMap(([from, to]): [number, number][] =>
    Math.max(low, from) <= Math.min(high, to) ? [[Math.max(low, from), Math.min(high, to)]] : []));
}
