/** What turns one list of entries into another. */
export interface Comparison<T> {
  added: T[];
  changed: { before: T; after: T }[];
  removed: T[];
}

/** Compares entries by `key`; those that are in both and differ in `value` have changed. */
export function comparePairs<T>(from: readonly T[], to: readonly T[], key: (one: T) => string, value: (one: T) => string): Comparison<T> {
  const before = new Map(from.map((one) => [key(one), one]));
  const wanted = new Set(to.map(key));
  const result: Comparison<T> = { added: [], changed: [], removed: from.filter((one) => !wanted.has(key(one))) };
  for (const after of to) {
    const old = before.get(key(after));
    if (old === undefined) result.added.push(after);
    else if (value(old) !== value(after)) result.changed.push({ before: old, after });
  }
  return result;
}
