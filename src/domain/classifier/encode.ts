/**
 * Diagrams to the image that `bpf/include/engine.h` walks; that header describes the layout.
 *
 * A diagram node with few edges becomes one search node. One with many becomes a table indexed by the high bits of the
 * value, whose entries are again search nodes over the few edges of their bucket, or, where the bounds lie too unevenly
 * for a table, a tree of search nodes.
 */

import { createHash } from 'node:crypto';
import { UnsupportedError } from '../../lib/errors.ts';
import { reachableNodes, type Compiled } from './compile.ts';
import { Kind } from './combine.ts';
import { Field } from './fields.ts';
import { HOOKS, type HookName, type Outcome } from './outcome.ts';
import type { DiagramStore, Ref, Terminal } from './store.ts';

export const IMAGE_MAGIC = 0x534c4345;
export const IMAGE_VERSION = 1;
export const HEADER_WORDS = 64;
/** Bytes behind the addressable part of the map value, so that no node read near the end leaves it. */
export const IMAGE_SLACK = 256;
/** The engine gives up, and drops, after MAX_STEPS nodes; longer images are refused here. */
export const MAX_DEPTH = 96;
export const LEAF = 0x8000_0000;

export const NodeKind = { SEARCH_4: 0, SEARCH_8: 1, SEARCH_16: 2, TABLE: 3, MASKED_4: 4, EQUAL: 5 } as const;
export const LeafVerdict = { ACCEPT: 0, DROP: 1, NATIVE: 2 } as const;
export const Need = { IIF: 1, OIF: 2, NAT_STATUS: 4, L4: 8 } as const;
export const Word = { MAGIC: 0, VERSION: 1, LENGTH: 2, NEEDS: 3, LEAVES: 4, ACTIONS: 5, ROOTS: 8, DIGEST: 16 } as const;

/** A set of native rules and the verdict after them: what one dispatch chain does. */
export interface Action {
  natives: readonly number[];
  verdict: 'ACCEPT' | 'DROP';
}

export interface Image {
  /** The whole map value without slack, a power of two long, little-endian words. */
  bytes: Buffer;
  /** Words in use. */
  words: number;
  /** What each leaf means; leaf 0 is the engine's error leaf. */
  leaves: readonly Outcome[];
  /** Numbered from 0; action 0 is a plain drop. */
  actions: readonly Action[];
  /** SHA-256 over nodes and leaf meanings, hex: equal rulesets give equal digests. */
  digest: string;
  /** Longest path in engine steps. */
  depth: number;
}

/** The outcome a finished terminal stands for. */
export function outcomeOf({ kind, counted, natives }: Terminal): Outcome {
  return { verdict: kind === Kind.ACCEPT ? 'ACCEPT' : 'DROP', counted, natives };
}

/** @throws UnsupportedError when a path is longer than the engine walks. */
export function encodeImage({ store, roots }: Compiled): Image {
  return new ImageWriter(store).write(roots);
}

/** How many edges of a bucket a search node takes at most. */
const WIDEST_SEARCH = 16;

class ImageWriter {
  readonly #store: DiagramStore;
  #words = new Uint32Array(1 << 14);
  #end = HEADER_WORDS;
  #refs = new Map<Ref, number>();
  #depths = new Map<number, number>();
  #leaves: Outcome[] = [{ verdict: 'DROP', counted: [], natives: [] }];
  #actions: Action[] = [{ natives: [], verdict: 'DROP' }];
  #actionIds = new Map<string, number>();

  constructor(store: DiagramStore) {
    this.#store = store;
  }

  write(roots: Partial<Record<HookName, Ref>>): Image {
    const entries = Object.entries(roots) as [HookName, Ref][];
    const nodes = reachableNodes(this.#store, entries.map(([, root]) => root));
    // Ascending indices: a node is always created after its children.
    for (const node of nodes.sort((a, b) => a - b)) this.#refs.set(node, this.#writeNode(node));
    this.#set(Word.ROOTS, new Array<number>(5).fill(LEAF + (LeafVerdict.DROP << 29)));
    for (const [hook, root] of entries) this.#set(Word.ROOTS + HOOKS[hook], [this.#ref(root)]);
    const depth = Math.max(0, ...entries.map(([, root]) => this.#depth(this.#ref(root))));
    if (depth > MAX_DEPTH)
      throw new UnsupportedError(`a ruleset whose longest decision takes ${depth} steps`, { code: 'SL3004', hints: ['keep the most involved chain in iptables: --keep-in-iptables CHAIN'] });
    return this.#finish(nodes, depth);
  }

  #finish(nodes: readonly number[], depth: number): Image {
    const actions = this.#allocate(this.#leaves.length, 1);
    this.#set(actions, this.#leaves.map((leaf) => (leaf.natives.length === 0 ? 0 : this.#actionId(leaf))));
    this.#set(0, [IMAGE_MAGIC, IMAGE_VERSION, this.#end, this.#needs(nodes), this.#leaves.length, actions]);
    const size = Math.max(4096, 2 ** Math.ceil(Math.log2(this.#end * 4)));
    const bytes = Buffer.alloc(size);
    Buffer.from(this.#words.buffer, 0, this.#end * 4).copy(bytes);
    const digest = createHash('sha256').update(bytes).update(JSON.stringify(this.#leaves)).digest();
    digest.copy(bytes, Word.DIGEST * 4);
    return { bytes, words: this.#end, leaves: this.#leaves, actions: this.#actions, digest: digest.toString('hex'), depth };
  }

  #needs(nodes: readonly number[]): number {
    let needs = 0;
    for (const node of nodes) {
      const { field } = this.#store.variables[this.#store.level[node]!]!;
      if (field >= Field.IIF && field < Field.IIF + 4) needs |= Need.IIF;
      if (field >= Field.OIF && field < Field.OIF + 4) needs |= Need.OIF;
      if (field === Field.STATE && this.#dependsOnNat(node)) needs |= Need.NAT_STATUS;
      if (field === Field.L4 || (field >= Field.DPORT && field <= Field.FLAGS)) needs |= Need.L4;
    }
    return needs;
  }

  /** Whether the node tells apart states that differ in the NAT bits alone. */
  #dependsOnNat(node: number): boolean {
    for (let value = 5; value < 20; value++)
      if (this.#store.childAt(node, value) !== this.#store.childAt(node, value % 5)) return true;
    return false;
  }

  #writeNode(node: number): number {
    const { first, width, bounds, children, level } = this.#store;
    const from = first[node]!;
    const count = width[node]!;
    const variable = this.#store.variables[level[node]!]!;
    const edges: Edges = { bounds: bounds.subarray(from, from + count), refs: Array.from(children.subarray(from, from + count), (child) => this.#ref(child)) };
    return variable.mask === 0xffff_ffff
      ? this.#search(variable.field, edges, 0, count)
      : this.#maskedSearch(variable.field, variable.mask, edges, 0, count);
  }

  #ref(ref: Ref): number {
    let encoded = this.#refs.get(ref);
    if (encoded === undefined) {
      if (ref >= 0) throw new TypeError('a child is written before its parent');
      encoded = this.#leafRef(outcomeOf(this.#store.terminalOf(ref)));
      this.#refs.set(ref, encoded);
    }
    return encoded;
  }

  #leafRef(leaf: Outcome): number {
    const verdict = leaf.natives.length > 0 ? LeafVerdict.NATIVE : LeafVerdict[leaf.verdict];
    if (leaf.natives.length > 0) this.#actionId(leaf);
    return LEAF + verdict * 2 ** 29 + this.#leaves.push(leaf) - 1;
  }

  #actionId({ natives, verdict }: Outcome): number {
    const key = `${verdict} ${natives.join()}`;
    let id = this.#actionIds.get(key);
    if (id === undefined) {
      id = this.#actions.push({ natives, verdict }) - 1;
      this.#actionIds.set(key, id);
    }
    return id;
  }

  /** Writes the edges from `low` to `high` (exclusive) of one variable. */
  #search(field: number, edges: Edges, low: number, high: number): number {
    const count = high - low;
    if (count === 1) return edges.refs[low]!;
    const single = singleValue(edges, low, high);
    if (single !== undefined) return this.#equalNode(field, edges, low, single);
    if (count <= 4) return this.#searchNode(NodeKind.SEARCH_4, field, edges, low, high, 4);
    if (count <= 8) return this.#searchNode(NodeKind.SEARCH_8, field, edges, low, high, 8);
    if (count <= WIDEST_SEARCH) return this.#searchNode(NodeKind.SEARCH_16, field, edges, low, high, 16);
    const table = planTable(edges.bounds, low, high);
    if (table === undefined) return this.#searchOf(field, split(edges, low, high, 16, (part) => this.#searchOf(field, part)));
    return this.#table(field, edges, table);
  }

  #searchOf(field: number, edges: Edges): number {
    return this.#search(field, edges, 0, edges.refs.length);
  }

  #equalNode(field: number, edges: Edges, low: number, { key, edge }: { key: number; edge: number }): number {
    const children = [edges.refs[edge === low ? low + 1 : low]!, edges.refs[edge]!];
    const at = this.#allocate(4, 4);
    this.#words.set([first(NodeKind.EQUAL, field), key, ...children], at);
    this.#noteDepth(at, children);
    return at;
  }

  #searchNode(kind: number, field: number, edges: Edges, low: number, high: number, ways: number): number {
    const at = this.#allocate(ways * 2, ways === 4 ? 8 : 16);
    this.#words[at] = first(kind, field);
    this.#writeWays(at + 1, edges, low, high, ways);
    this.#noteDepth(at, edges.refs.slice(low, high));
    return at;
  }

  /** Keys padded with the maximum, children with the last one. */
  #writeWays(at: number, edges: Edges, low: number, high: number, ways: number): void {
    for (let i = 0; i < ways - 1; i++) this.#words[at + i] = low + i < high - 1 ? edges.bounds[low + i]! : 0xffff_ffff;
    for (let i = 0; i < ways; i++) this.#words[at + ways - 1 + i] = edges.refs[Math.min(low + i, high - 1)]!;
  }

  #maskedSearch(field: number, mask: number, edges: Edges, low: number, high: number): number {
    if (high - low === 1) return edges.refs[low]!;
    if (high - low > 4)
      return this.#maskedSearchOf(field, mask, split(edges, low, high, 4, (part) => this.#maskedSearchOf(field, mask, part)));
    const at = this.#allocate(9, 1);
    this.#words[at] = first(NodeKind.MASKED_4, field);
    this.#words[at + 1] = mask;
    this.#writeWays(at + 2, edges, low, high, 4);
    this.#noteDepth(at, edges.refs.slice(low, high));
    return at;
  }

  #maskedSearchOf(field: number, mask: number, edges: Edges): number {
    return this.#maskedSearch(field, mask, edges, 0, edges.refs.length);
  }

  #table(field: number, edges: Edges, { base, shift, last, starts, ends }: TablePlan): number {
    const refs = new Uint32Array(last + 1);
    for (let bucket = 0; bucket <= last; bucket++) refs[bucket] = this.#search(field, edges, starts[bucket]!, ends[bucket]! + 1);
    const at = this.#allocate(3 + last + 1, 16);
    this.#words.set([first(NodeKind.TABLE, field, shift), base, last], at);
    this.#words.set(refs, at + 3);
    this.#noteDepth(at, refs);
    return at;
  }

  #depth(ref: number): number {
    return ref >= LEAF ? 0 : this.#depths.get(ref)!;
  }

  #noteDepth(at: number, refs: Iterable<number>): void {
    let deepest = 0;
    for (const ref of refs) deepest = Math.max(deepest, this.#depth(ref));
    this.#depths.set(at, deepest + 1);
  }

  #allocate(words: number, alignment: number): number {
    const at = Math.ceil(this.#end / alignment) * alignment;
    this.#end = at + words;
    while (this.#end > this.#words.length) {
      const grown = new Uint32Array(this.#words.length * 2);
      grown.set(this.#words);
      this.#words = grown;
    }
    return at;
  }

  #set(at: number, values: readonly number[]): void {
    this.#words.set(values, at);
  }
}

/** Edges of one variable: ascending inclusive upper bounds and encoded children. */
interface Edges {
  bounds: Uint32Array;
  refs: readonly number[];
}

/** Edges over `ways` even parts of other edges, each part written by `write`. */
function split(edges: Edges, low: number, high: number, ways: number, write: (part: Edges) => number): Edges {
  const step = Math.ceil((high - low) / ways);
  const bounds: number[] = [];
  const refs: number[] = [];
  for (let from = low; from < high; from += step) {
    const to = Math.min(from + step, high);
    bounds.push(edges.bounds[to - 1]!);
    refs.push(write({ bounds: edges.bounds.subarray(from, to), refs: edges.refs.slice(from, to) }));
  }
  return { bounds: Uint32Array.from(bounds), refs };
}

/** The one value that leads elsewhere than all others, as in `--dport 22`, and its edge. */
function singleValue({ bounds, refs }: Edges, low: number, high: number): { key: number; edge: number } | undefined {
  const count = high - low;
  if (count === 2 && bounds[low] === 0) return { key: 0, edge: low };
  if (count !== 3 || refs[low] !== refs[low + 2] || bounds[low + 1] !== bounds[low]! + 1) return undefined;
  return { key: bounds[low + 1]!, edge: low + 1 };
}

/** Bucket b holds the edges from `starts[b]` to `ends[b]`, inclusive. */
interface TablePlan {
  base: number;
  shift: number;
  last: number;
  starts: readonly number[];
  ends: readonly number[];
}

/**
 * A table over the edges' bounds, or undefined where they lie so unevenly that one bucket would hold most of them.
 *
 * Of a few bucket sizes the one with the fewest words in all is taken: small images stay in the cache.
 */
function planTable(bounds: Uint32Array, low: number, high: number): TablePlan | undefined {
  const span = bounds[high - 2]! - bounds[low]! + 1;
  const finest = Math.max(0, Math.floor(Math.log2(span / (4 * (high - low)))));
  const plans = [0, 1, 2, 3, 4].map((coarser) => bucketsOf(bounds, low, high, Math.min(31, finest + coarser)));
  const best = plans.reduce((a, b) => (b.words < a.words ? b : a));
  return best.fullest > 64 && best.fullest > (high - low) / 2 ? undefined : best;
}

/** Words of the search node that a bucket with so many edges needs; buckets beyond 16 get a table of their own. */
const wordsFor = (edges: number): number => (edges === 1 ? 0 : edges <= 4 ? 8 : edges <= 8 ? 16 : Math.ceil(edges / 16) * 34);

function bucketsOf(bounds: Uint32Array, low: number, high: number, shift: number): TablePlan & { words: number; fullest: number } {
  const base = Math.floor(bounds[low]! / 2 ** shift) * 2 ** shift;
  const last = Math.floor((bounds[high - 2]! + 1 - base) / 2 ** shift);
  const starts: number[] = [];
  const ends: number[] = [];
  let words = last + 1;
  let fullest = 0;
  for (let bucket = 0, edge = low; bucket <= last; bucket++) {
    const upper = bucket === last ? 0xffff_ffff : base + (bucket + 1) * 2 ** shift - 1;
    const start = edge;
    while (edge < high - 1 && bounds[edge]! < upper) edge++;
    starts.push(start);
    ends.push(edge);
    words += wordsFor(edge - start + 1);
    fullest = Math.max(fullest, edge - start);
    if (edge < high - 1 && bounds[edge] === upper) edge++;
  }
  return { base, shift, last, starts, ends, words, fullest };
}

const first = (kind: number, field: number, shift = 0): number => kind * 2 ** 29 + shift * 2 ** 24 + field * 2 ** 16;
