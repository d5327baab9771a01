import { describe, expect, test } from 'vitest';
import { showEntry } from '../../../src/domain/maps/dump/entry.ts';
import type { Layout } from '../../../src/domain/maps/layout/layout.ts';
import { compileCells, compileJson, type EntryLayout } from '../../../src/domain/maps/write/compile.ts';
import { toText } from '../../../src/domain/maps/write/json.ts';
import { RowWriter, type Entries } from '../../../src/domain/maps/write/row-writer.ts';
import { EVERYTHING, int, PREFIX, randomBytes } from './layouts.ts';

const SEED = Number(process.env['SEED'] ?? 42);
/** Rows of a case; of large ones fewer. */
const rowsOf = ({ perCpu }: EntryLayout): number => (perCpu !== undefined && perCpu.count > 100 ? 12 : 200);

const HUGE: Layout = { kind: 'array', at: 0, size: 4000, count: 1000, element: int(0, 4) };
const QUOTES: Layout = { kind: 'struct', at: 0, size: 4, members: [{ name: 'a"b\\c', layout: int(0, 4) }] };

const CASES: [name: string, layout: EntryLayout][] = [
  ['everything', { key: PREFIX, value: EVERYTHING, perCpu: undefined }],
  ['per CPU', { key: int(0, 4), value: EVERYTHING, perCpu: { count: 3, stride: 200 } }],
  ['no key', { key: undefined, value: int(0, 8), perCpu: undefined }],
  ['plain bytes', { key: { kind: 'hex', at: 0, size: 100 }, value: { kind: 'text', at: 0, size: 40 }, perCpu: undefined }],
  ['more members than steps', { key: int(0, 4), value: HUGE, perCpu: undefined }],
  ['many CPUs with many members', { key: int(0, 4), value: EVERYTHING, perCpu: { count: 300, stride: 200 } }],
  ['odd names', { key: QUOTES, value: { kind: 'struct', at: 0, size: 0, members: [] }, perCpu: undefined }],
];

function entriesOf(layout: EntryLayout): Entries {
  const { key, value, perCpu } = layout;
  const valueBytes = perCpu === undefined ? value.size : perCpu.count * perCpu.stride;
  const keySize = key?.size ?? 0;
  return { keys: randomBytes(keySize, rowsOf(layout), SEED), values: randomBytes(valueBytes, rowsOf(layout), SEED + 1), keySize, valueBytes };
}

const at = ({ keys, values, keySize, valueBytes }: Entries, row: number) => ({ keys, keyAt: row * keySize, values, valueAt: row * valueBytes });

describe.each(CASES)('%s', (_, layout) => {
  const entries = entriesOf(layout);
  const count = rowsOf(layout);
  const expected = Array.from({ length: count }, (__, row) => showEntry(layout, at(entries, row)));

  test(`JSON is that of the decoded entries, seed ${SEED}`, () => {
    const writer = new RowWriter(compileJson(layout, '', '\n'), 1 << 16);
    const lines: string[] = [];
    for (let from = 0; from < count; from += writer.capacity) lines.push(writer.write(entries, from, Math.min(count, from + writer.capacity)).bytes.toString());
    expect(lines.join('')).toBe(expected.map((entry) => `${toText(entry as never)}\n`).join(''));
  });

  test('cells are what people are shown', () => {
    const writer = new RowWriter(compileCells(layout), 1 << 20);
    const cells: string[] = [];
    for (let from = 0; from < count; from += writer.capacity) {
      const { bytes, ends } = writer.write(entries, from, Math.min(count, from + writer.capacity));
      ends.forEach((end, i) => cells.push(bytes.toString('utf8', i === 0 ? 0 : ends[i - 1]!, end)));
    }
    expect(cells).toEqual(expected.flatMap(({ key, value, values }) =>
      (values ?? [{ cpu: undefined, value: value! }]).flatMap((one) => [...(key === undefined ? [] : [key.display]), ...(one.cpu === undefined ? [] : [String(one.cpu)]), one.value.display])));
  });
});

test('chosen rows are written in their order, and what was written before stays', () => {
  const entries = { keys: Buffer.from([1, 2, 3, 4]), values: Buffer.from([5, 6, 7, 8]), keySize: 1, valueBytes: 1 };
  const writer = new RowWriter(compileJson({ key: int(0, 1), value: int(0, 1), perCpu: undefined }, '', '\n'));
  const first = writer.write(entries, 0, 2, Uint32Array.of(3, 0)).bytes;
  const second = writer.write(entries, 1, 2, Uint32Array.of(3, 1)).bytes;
  const keys = (bytes: Buffer): number[] => bytes.toString().trim().split('\n').map((line) => (JSON.parse(line) as { key: { decoded: number } }).key.decoded);
  expect(keys(first)).toEqual([4, 1]);
  expect(keys(second)).toEqual([2]);
});

test('64-bit numbers are exact at every length', () => {
  const numbers = [0n, 9n, 10n, 9999n, 10_000n, 99_999_999n, 100_000_000n, 2n ** 53n - 1n, 2n ** 53n, 2n ** 53n + 1n, 10n ** 16n, 10n ** 18n, 2n ** 63n, 2n ** 64n - 1n];
  const signed = [...numbers.filter((number) => number < 2n ** 63n), -1n, -(2n ** 32n), -(2n ** 53n) - 1n, -(2n ** 63n)];
  const write = (values: readonly bigint[], isSigned: boolean): string[] => {
    const bytes = Buffer.alloc(values.length * 8);
    values.forEach((value, i) => bytes.writeBigUInt64LE(BigInt.asUintN(64, value), i * 8));
    const rows = new RowWriter(compileCells({ key: undefined, value: int(0, 8, isSigned), perCpu: undefined })).write({ keys: Buffer.alloc(0), values: bytes, keySize: 0, valueBytes: 8 }, 0, values.length);
    return Array.from(rows.ends, (end, i) => rows.bytes.toString('latin1', i === 0 ? 0 : rows.ends[i - 1]!, end));
  };
  expect(write(numbers, false)).toEqual(numbers.map(String));
  expect(write(signed, true)).toEqual(signed.map(String));
});
