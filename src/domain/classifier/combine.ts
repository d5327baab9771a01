/**
 * The algebra of diagrams: predicates, rules and chains are put together with one operation, `plug`.
 *
 * A predicate ends in HIT, MISS or HOT. A chain ends in FALL (its end was reached), RETURN, ACCEPT or DROP, each with the
 * rules that counted and the native rules on the way. Plugging a diagram into the FALL ends of another is running one
 * after the other; into HIT it is a conjunction or a jump; into MISS a disjunction.
 */

import type { DiagramStore, Ref, Terminal } from './store.ts';

/** Kinds of terminals, one bit each. */
export const Kind = { HIT: 1, MISS: 2, HOT: 4, FALL: 8, RETURN: 16, ACCEPT: 32, DROP: 64 } as const;

const PREFIX = 1 << 8;
const RESTRICT = 1 << 9;

/**
 * Replaces every terminal of kind `hole` in `a` by `b`, whose terminals get the hole's counted and native rules in front.
 */
export function plug(store: DiagramStore, hole: number, a: Ref, b: Ref): Ref {
  if ((store.kindsOf(a) & hole) === 0) return a;
  if (a < 0) return prefix(store, a, b);
  const known = store.cached(hole, a, b);
  if (known !== undefined) return known;
  const rankA = store.rank(a);
  const rankB = store.rank(b);
  let result: Ref;
  if (rankA < rankB) result = mapChildren(store, a, (child) => plug(store, hole, child, b));
  else if (rankB < rankA) result = mapChildren(store, b, (child) => plug(store, hole, a, child));
  else result = mergeChildren(store, a, b, hole);
  return store.remember(hole, a, b, result);
}

/** Changes terminals one by one; `change` must be pure. Used with a cache of its own, as changes differ. */
export function mapTerminals(store: DiagramStore, root: Ref, change: (terminal: Terminal) => Ref): Ref {
  const done = new Map<Ref, Ref>();
  const visit = (ref: Ref): Ref => {
    let result = done.get(ref);
    if (result === undefined) {
      result = ref < 0 ? change(store.terminalOf(ref)) : mapChildren(store, ref, visit);
      done.set(ref, result);
    }
    return result;
  };
  return visit(root);
}

/** Turns terminals of one kind into another, keeping what was counted. */
export function changeKind(store: DiagramStore, root: Ref, from: number, to: number): Ref {
  if ((store.kindsOf(root) & from) === 0) return root;
  return mapTerminals(store, root, (terminal) =>
    store.terminal(terminal.kind === from ? to : terminal.kind, terminal.counted, terminal.natives));
}

/** Fixes the levels from `first` to `last` to the value 0, as for an interface that a hook does not have. */
export function restrictToZero(store: DiagramStore, root: Ref, first: number, last: number): Ref {
  if (root < 0 || store.level[root]! > last) return root;
  const known = store.cached(RESTRICT, root, first);
  if (known !== undefined) return known;
  const result = store.level[root]! >= first
    ? restrictToZero(store, store.childAt(root, 0), first, last)
    : mapChildren(store, root, (child) => restrictToZero(store, child, first, last));
  return store.remember(RESTRICT, root, first, result);
}

/** `b` with the counted and native rules of terminal `a` in front of each of its terminals. */
function prefix(store: DiagramStore, a: Ref, b: Ref): Ref {
  const { counted, natives } = store.terminalOf(a);
  if (counted.length === 0 && natives.length === 0) return b;
  if (b < 0) {
    const after = store.terminalOf(b);
    return store.terminal(after.kind, [...counted, ...after.counted], [...natives, ...after.natives]);
  }
  // The hole's own kind does not matter here: only what it carries. Two holes that carry the same give the same result.
  const known = store.cached(PREFIX, a, b);
  if (known !== undefined) return known;
  return store.remember(PREFIX, a, b, mapChildren(store, b, (child) => prefix(store, a, child)));
}

/** The same node with other children. Children are computed first: only one node may be open at a time. */
function mapChildren(store: DiagramStore, node: Ref, change: (child: Ref) => Ref): Ref {
  const from = store.first[node]!;
  const width = store.width[node]!;
  const results = scratch(width);
  for (let i = 0; i < width; i++) results[i] = change(store.children[from + i]!);
  const open = store.begin();
  for (let i = 0; i < width; i++) store.push(open, store.bounds[from + i]!, results[i]!);
  release(results);
  return store.finish(store.level[node]!, open);
}

/** Two nodes of one level: the common refinement of their intervals. */
function mergeChildren(store: DiagramStore, a: Ref, b: Ref, hole: number): Ref {
  const endA = store.first[a]! + store.width[a]!;
  const total = store.width[a]! + store.width[b]!;
  const results = scratch(total);
  const bounds = scratch(total);
  let count = 0;
  for (let i = store.first[a]!, j = store.first[b]!; i < endA; count++) {
    const boundA = store.bounds[i]!;
    const boundB = store.bounds[j]!;
    results[count] = plug(store, hole, store.children[i]!, store.children[j]!);
    bounds[count] = Math.min(boundA, boundB);
    if (boundA <= boundB) i++;
    if (boundB <= boundA) j++;
  }
  const open = store.begin();
  for (let i = 0; i < count; i++) store.push(open, bounds[i]!, results[i]!);
  release(results);
  release(bounds);
  return store.finish(store.level[a]!, open);
}

/** Recursion reuses arrays instead of allocating one a node: garbage collection would dominate the build. */
const free: number[][] = [];

function scratch(length: number): number[] {
  const array = free.pop() ?? [];
  if (array.length < length) array.length = length;
  return array;
}

function release(array: number[]): void {
  if (array.length < 1 << 17) free.push(array);
}
