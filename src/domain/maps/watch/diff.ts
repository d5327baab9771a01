import { decode, elementBase } from '../layout/decode.ts';
import type { IntLeaf, Layout } from '../layout/layout.ts';
import { show } from '../dump/entry.ts';
import type { Shown } from '../model.ts';
import type { EntryLayout } from '../write/compile.ts';

/** Values by key, both as latin1 text of their bytes; of per-CPU types the sum over all CPUs. */
export type Snapshot = ReadonlyMap<string, string>;

/** What has become of one entry since the reading before. */
export interface EntryDifference {
  change: 'new' | 'changed' | 'deleted';
  key: Shown;
  /** The value now; before it was deleted. */
  value: Shown;
  previous?: Shown;
  /** By how much numbers have grown a second: `packets+10`. */
  rates: Readonly<Record<string, number>>;
}

/** What has changed between two readings that lie `seconds` apart, in the order of the map. */
export function diffSnapshots({ key, value }: EntryLayout, before: Snapshot, after: Snapshot, seconds: number): EntryDifference[] {
  const bytes = (text: string): Buffer => Buffer.from(text, 'latin1');
  const shownKey = (text: string): Shown => show(key!, bytes(text), 0);
  const shown = (text: string): Shown => show(value, bytes(text), 0);
  const differences: EntryDifference[] = [];
  for (const [entry, now] of after) {
    const then = before.get(entry);
    if (then === now) continue;
    if (then === undefined) differences.push({ change: 'new', key: shownKey(entry), value: shown(now), rates: {} });
    else differences.push({ change: 'changed', key: shownKey(entry), value: shown(now), previous: shown(then), rates: ratesOf(value, bytes(then), bytes(now), seconds) });
  }
  for (const [entry, then] of before) if (!after.has(entry)) differences.push({ change: 'deleted', key: shownKey(entry), value: shown(then), rates: {} });
  return differences;
}

function ratesOf(layout: Layout, before: Buffer, after: Buffer, seconds: number): Record<string, number> {
  const rates: Record<string, number> = {};
  eachInt(layout, 0, '', (leaf, base, path) => {
    const grown = Number(BigInt(decode(leaf, after, base) as number | bigint) - BigInt(decode(leaf, before, base) as number | bigint));
    if (grown !== 0) rates[path] = Math.round((grown / seconds) * 10) / 10;
  });
  return rates;
}

/** Visits all numbers; the path of one that stands alone is empty. */
function eachInt(layout: Layout, base: number, path: string, visit: (leaf: IntLeaf, base: number, path: string) => void): void {
  const inside = (name: string): string => (path === '' ? name : `${path}.${name}`);
  if (layout.kind === 'int') visit(layout, base, path);
  else if (layout.kind === 'struct') for (const { name, layout: inner } of layout.members) eachInt(inner, base, inside(name), visit);
  else if (layout.kind === 'array') for (let i = 0; i < layout.count; i++) eachInt(layout.element, elementBase(layout, base, i), inside(String(i)), visit);
}

/** One value for all CPUs: numbers are added up, anything else is that of the first. */
export function sumCpus({ value, perCpu }: EntryLayout, bytes: Buffer): Buffer {
  const sum = Buffer.from(bytes.subarray(0, value.size));
  const { count, stride } = perCpu!;
  eachInt(value, 0, '', (leaf, base) => {
    let total = 0n;
    for (let cpu = 0; cpu < count; cpu++) total += BigInt(decode(leaf, bytes, cpu * stride + base) as number | bigint);
    writeWrapped(leaf, total, sum, base);
  });
  return sum;
}

function writeWrapped({ at, size, bigEndian }: IntLeaf, value: bigint, bytes: Buffer, base: number): void {
  let rest = BigInt.asUintN(size * 8, value);
  for (let i = 0; i < size; i++, rest >>= 8n) bytes[base + at + (bigEndian ? size - 1 - i : i)] = Number(rest & 0xffn);
}
