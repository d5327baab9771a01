import type { DecodedImage } from '../decode.ts';
import { FIELD_COUNT } from '../fields.ts';
import type { HookName, Outcome } from '../outcome.ts';
import type { ReferenceNode } from './build.ts';

/** Whether an image and the reference decide alike; if not, one packet key on which they do not. */
export type Comparison =
  | { equal: true; pairs: number }
  | { equal: false; pairs: number; key: number[]; expected: Outcome; actual: Outcome };

/**
 * Walks both diagrams together: every pair of nodes that some packet can reach is met once, and every pair of terminals
 * compared. Equal on all pairs is equal for every packet.
 *
 * Both must test variables in the order of `rank`.
 */
export function compareWithReference(image: DecodedImage, hook: HookName, reference: ReferenceNode, rank: (field: number, mask: number) => number): Comparison {
  return new Comparer(image, rank).run(image.root(hook), reference);
}

/** Two positions and how they were reached, to tell the packet. */
interface Pair {
  ref: number;
  node: ReferenceNode;
  via?: { from: Pair; field: number; mask: number; value: number };
}

class Comparer {
  readonly #image: DecodedImage;
  readonly #rank: (field: number, mask: number) => number;
  readonly #seen = new Set<string>();
  readonly #waiting: Pair[] = [];

  constructor(image: DecodedImage, rank: (field: number, mask: number) => number) {
    this.#image = image;
    this.#rank = rank;
  }

  run(ref: number, node: ReferenceNode): Comparison {
    this.#visit({ ref, node });
    for (let pair = this.#waiting.pop(); pair !== undefined; pair = this.#waiting.pop()) {
      if (!this.#image.isLeaf(pair.ref) || !('outcome' in pair.node)) {
        this.#split(pair);
        continue;
      }
      const actual = this.#image.outcome(pair.ref);
      if (!sameOutcome(actual, pair.node.outcome))
        return { equal: false, pairs: this.#seen.size, key: keyOf(pair), expected: pair.node.outcome, actual };
    }
    return { equal: true, pairs: this.#seen.size };
  }

  #visit(pair: Pair): void {
    const key = `${pair.ref}/${pair.node.id}`;
    if (this.#seen.has(key)) return;
    this.#seen.add(key);
    this.#waiting.push(pair);
  }

  /** Divides by whichever variable comes first, or by both sides' intervals of the same one. */
  #split(pair: Pair): void {
    const left = this.#image.isLeaf(pair.ref) ? undefined : this.#image.node(pair.ref);
    const right = 'outcome' in pair.node ? undefined : pair.node;
    const rankLeft = left === undefined ? Infinity : this.#rank(left.variable.field, left.variable.mask);
    const rankRight = right === undefined ? Infinity : this.#rank(right.variable.field, right.variable.mask);
    const { field, mask } = (rankLeft <= rankRight ? left : right)!.variable;
    const step = (ref: number, node: ReferenceNode, value: number): void => this.#visit({ ref, node, via: { from: pair, field, mask, value } });
    if (rankLeft < rankRight) left!.bounds.forEach((bound, i) => step(left!.refs[i]!, pair.node, bound));
    else if (rankRight < rankLeft) right!.bounds.forEach((bound, i) => step(pair.ref, right!.children[i]!, bound));
    else
      for (let i = 0, j = 0; i < left!.bounds.length && j < right!.bounds.length; ) {
        const [a, b] = [left!.bounds[i]!, right!.bounds[j]!];
        step(left!.refs[i]!, right!.children[j]!, Math.min(a, b));
        if (a <= b) i++;
        if (b <= a) j++;
      }
  }
}

/** A packet key that leads to the pair: the values taken on the way, zero elsewhere. */
function keyOf(pair: Pair): number[] {
  const key = new Array<number>(FIELD_COUNT).fill(0);
  for (let at: Pair = pair; at.via !== undefined; at = at.via.from) {
    const { field, mask, value } = at.via;
    key[field] = ((key[field]! & ~mask) | (value & mask)) >>> 0;
  }
  return key;
}

export function sameOutcome(a: Outcome, b: Outcome): boolean {
  return a.verdict === b.verdict && sameList(a.counted, b.counted) && sameList(a.natives, b.natives);
}

const sameList = (a: readonly number[], b: readonly number[]): boolean => a.length === b.length && a.every((value, i) => value === b[i]);
