import { decode, display } from '../layout/decode.ts';
import type { Layout } from '../layout/layout.ts';
import type { MapEntry, Shown } from '../model.ts';
import type { EntryLayout } from '../write/compile.ts';
import type { EntryAt } from './field.ts';

/** Bytes in their three forms. */
export const show = (layout: Layout, bytes: Buffer, base: number): Shown => ({
  hex: bytes.toString('hex', base + layout.at, base + layout.at + layout.size), decoded: decode(layout, bytes, base), display: display(layout, bytes, base),
});

/** An entry in the form that JSON has. */
export function showEntry({ key, value, perCpu }: EntryLayout, { keys, keyAt, values, valueAt }: EntryAt): MapEntry {
  const shownKey = key === undefined ? {} : { key: show(key, keys, keyAt) };
  if (perCpu === undefined) return { ...shownKey, value: show(value, values, valueAt) };
  return { ...shownKey, values: Array.from({ length: perCpu.count }, (_, cpu) => ({ cpu, value: show(value, values, valueAt + cpu * perCpu.stride) })) };
}
