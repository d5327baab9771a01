import { UsageError } from '../../../lib/errors.ts';
import { scalarOf, type Scalar } from '../layout/decode.ts';
import { childNames, childOf, type Layout, type Leaf } from '../layout/layout.ts';
import type { EntryLayout } from '../write/compile.ts';

/** Where an entry has its bytes: key and value in their Buffers. */
export interface EntryAt {
  keys: Buffer;
  keyAt: number;
  values: Buffer;
  valueAt: number;
}

/** A scalar of an entry that a user named. */
export interface Field {
  leaf: Leaf;
  /** The values that it has: several for per-CPU types. */
  read(entry: EntryAt): Scalar[];
  /** Set where the field is the address of a prefix: how many bits of it count. */
  lengthOf?: (entry: EntryAt) => number;
}

/**
 * Finds `key.saddr`, `value.packets`, `key`, or a member's bare name in either.
 *
 * @throws UsageError SL2603 naming what there is
 */
export function findField(path: string, { key, value, perCpu }: EntryLayout): Field {
  const [root = '', ...steps] = path.split('.');
  const roots = { key, value };
  const found = root === 'key' || root === 'value' ? descend(roots[root], steps) : (descend(key, [root, ...steps]) ?? descend(value, [root, ...steps]));
  const inKey = root === 'key' || (root !== 'value' && descend(key, [root, ...steps]) !== undefined);
  if (found === undefined) throw unknownField(path, { key, value });
  if (found.kind === 'prefix') return { ...keyField(found.address), lengthOf: ({ keys, keyAt }) => Number(scalarOf(found.length, keys, keyAt)) };
  if (found.kind === 'struct' || found.kind === 'array') throw new UsageError(`${path} is no single value`, { code: 'SL2603', hints: [`inside it: ${childNames(found).join(', ')}`] });
  if (inKey) return keyField(found);
  const cpus = perCpu ?? { count: 1, stride: 0 };
  return { leaf: found, read: ({ values, valueAt }) => Array.from({ length: cpus.count }, (_, cpu) => scalarOf(found, values, valueAt + cpu * cpus.stride)) };
}

const keyField = (leaf: Leaf): Field => ({ leaf, read: ({ keys, keyAt }) => [scalarOf(leaf, keys, keyAt)] });

const descend = (layout: Layout | undefined, steps: readonly string[]): Layout | undefined =>
  steps.reduce<Layout | undefined>((at, step) => (at === undefined ? undefined : childOf(at, step)), layout);

function unknownField(path: string, { key, value }: { key: Layout | undefined; value: Layout }): UsageError {
  const names = (root: string, layout: Layout | undefined): string[] => (layout === undefined ? [] : [root, ...childNames(layout).map((name) => `${root}.${name}`)]);
  return new UsageError(`entries have no field ${path}`, { code: 'SL2603', hints: [`fields: ${[...names('key', key), ...names('value', value)].join(', ')}`] });
}
