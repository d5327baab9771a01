/** Values to text. */

import { sanitize } from '../../lib/text.ts';
import type { Column } from '../view.ts';

/** A cell as text; `human` shortens counters. */
export function formatCell<T>(column: Column<T>, row: T, human: boolean): string {
  const value = column.value(row);
  if (value === undefined || value === '') return '-';
  if (value === null) return '?';
  if (column.format === 'age' && typeof value === 'number') return formatAge(value);
  if (column.format === 'count' && human && (typeof value === 'number' || typeof value === 'bigint')) return humanize(Number(value));
  return typeof value === 'string' ? sanitize(value) : String(value);
}

/** 18.2M, 402, 21.4G: three digits, 1000-based. */
export function humanize(value: number): string {
  const units = ['', 'K', 'M', 'G', 'T', 'P', 'E'];
  let power = 0;
  let scaled = value;
  while (Math.abs(scaled) >= 999.95 && power < units.length - 1) {
    scaled /= 1000;
    power++;
  }
  return power === 0 ? String(value) : `${scaled.toFixed(1)}${units[power]}`;
}

/** Ages as kubectl prints them: 9s, 4m12s, 3h5m, 41d. */
export function formatAge(seconds: number): string {
  const whole = Math.max(0, Math.floor(seconds));
  const days = Math.floor(whole / 86_400);
  const hours = Math.floor(whole / 3600);
  const minutes = Math.floor(whole / 60);
  if (days >= 3) return `${days}d`;
  if (hours >= 3) return `${hours}h${minutes % 60 === 0 ? '' : `${minutes % 60}m`}`;
  if (minutes >= 3) return `${minutes}m${whole % 60 === 0 ? '' : `${whole % 60}s`}`;
  return `${whole}s`;
}
