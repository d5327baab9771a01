/**
 * Which packets to try: one for the lower and one for the upper bound of every edge of a diagram, so that every region of
 * the ruleset and both sides of every boundary are met.
 */

import { Field, FIELD_COUNT, fieldMaximum, L4, StateBase, type DecodedImage, type HookName } from '../../classifier/index.ts';
import type { Key } from './craft.ts';

/** A packet as common as any: a complete TCP segment that starts a connection. */
const PLAIN: Readonly<Record<number, number>> = {
  [Field.STATE]: StateBase.NEW, [Field.PROTO]: 6, [Field.L4]: L4.COMPLETE, [Field.SPORT]: 40_000, [Field.DPORT]: 9,
  [Field.FLAGS]: 2, [Field.SRC]: 0x0a00_0001, [Field.DST]: 0x0a00_0002,
};

/** How a node was first reached: through which edge of which parent. */
interface Origin {
  parent: number;
  low: number;
  high: number;
}

/**
 * Keys that go through every edge of the hook's diagram at both its bounds, at most `limit`, evenly thinned above that.
 *
 * Fields that the path does not test take plain values, so neighbours in the list differ in one field.
 */
export function boundaryKeys(image: DecodedImage, hook: HookName, limit: number, random: () => number): Key[] {
  const origins = reachNodes(image, image.root(hook));
  const total = [...origins.keys()].reduce((sum, node) => sum + image.node(node).refs.length * 2, 0);
  const keep = Math.min(1, limit / Math.max(1, total));
  const keys: Key[] = [];
  for (const node of origins.keys())
    for (const [low, high] of intervals(image, node))
      for (const value of low === high ? [low] : [low, high])
        if (keep === 1 || random() < keep) keys.push(keyThrough(image, origins, node, value, random));
  return keys.length === 0 ? [plainKey()] : keys;
}

function reachNodes(image: DecodedImage, root: number): Map<number, Origin | undefined> {
  const origins = new Map<number, Origin | undefined>();
  if (image.isLeaf(root)) return origins;
  origins.set(root, undefined);
  for (const parent of origins.keys()) {
    const { refs } = image.node(parent);
    for (const [i, [low, high]] of intervals(image, parent).entries())
      if (!image.isLeaf(refs[i]!) && !origins.has(refs[i]!)) origins.set(refs[i]!, { parent, low, high });
  }
  return origins;
}

/** Intervals of the node's variable, cut at the field's maximum. */
function intervals(image: DecodedImage, node: number): [number, number][] {
  const { variable, bounds } = image.node(node);
  const maximum = fieldMaximum(variable.field);
  let low = 0;
  return bounds.flatMap((bound): [number, number][] => {
    const interval: [number, number] = [low, Math.min(bound, maximum)];
    low = bound + 1;
    return interval[0] <= interval[1] ? [interval] : [];
  });
}

/** A key whose walk passes `node` with `value` of its variable, then goes on along random edges. */
function keyThrough(image: DecodedImage, origins: ReadonlyMap<number, Origin | undefined>, node: number, value: number, random: () => number): Key {
  const key = plainKey();
  for (let at: number | undefined = node, origin = origins.get(node); origin !== undefined; at = origin.parent, origin = origins.get(at!))
    setVariable(key, image, origin.parent, origin.low + Math.floor(random() * (origin.high - origin.low + 1)));
  setVariable(key, image, node, value);
  return key;
}

/** Only the bits under the variable's mask; the others stay, so that a full test before a masked one keeps its value. */
function setVariable(key: number[], image: DecodedImage, node: number, value: number): void {
  const { field, mask } = image.node(node).variable;
  key[field] = ((key[field]! & ~mask) | (value & mask)) >>> 0;
}

function plainKey(): number[] {
  return Array.from({ length: FIELD_COUNT }, (_, field) => PLAIN[field] ?? 0);
}
