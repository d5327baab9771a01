/** The list of entries that `fdb sync` reads: YAML or JSON, also as `fdb list -o yaml` prints it. Pure. */

import { parseDocument } from 'yaml';
import { ParseError, UsageError } from '../../../lib/errors.ts';
import { given } from '../../../lib/members.ts';
import { readEntry } from './words.ts';
import type { FdbEntry } from './model.ts';

/** Members that a listed entry may have beside those that matter: what `fdb list` tells about it. */
const IGNORED = new Set(['device', 'master', 'externallyLearned', 'offloaded', 'usedSeconds', 'updatedSeconds', 'table', 'nexthops']);
const MEMBERS = new Set(['mac', 'dst', 'destination', 'port', 'vni', 'sourceVni', 'via', 'nexthopId', 'vlan', 'lifetime', 'sticky']);

/**
 * Reads entries of one device; those of other devices and learned ones are left out.
 *
 * @throws ParseError with line and column for text that is no YAML; UsageError SL6020 naming the entry that is wrong
 */
export function readEntries(text: string, source: string, device: string, table: FdbEntry['table']): FdbEntry[] {
  const items = itemsOf(text, source);
  const wanted = items.filter((item) => (item['device'] === undefined || item['device'] === device) && item['lifetime'] !== 'dynamic' && (item['table'] === undefined || item['table'] === table));
  return wanted.map((item) => readItem(item, items.indexOf(item), source, device, table));
}

function itemsOf(text: string, source: string): Record<string, unknown>[] {
  const document = parseDocument(text);
  const [error] = document.errors;
  if (error !== undefined) throw new ParseError(source, error.linePos?.[0].line ?? 1, error.linePos?.[0].col ?? 1, error.message.split('\n')[0]!);
  const value = document.toJS() as unknown;
  const list = Array.isArray(value) ? value : (value as { items?: unknown } | null)?.items;
  if (list === undefined && value === null) return [];
  if (!Array.isArray(list)) throw new UsageError(`${source} holds no list of entries`, { code: 'SL6020', hints: ['- mac: 02:00:00:00:00:02\n  dst: 10.0.0.2'] });
  return list as Record<string, unknown>[];
}

function readItem(item: unknown, index: number, source: string, device: string, table: FdbEntry['table']): FdbEntry {
  const where = `${source}: entry ${index + 1}`;
  if (typeof item !== 'object' || item === null) throw new UsageError(`${where} is no mapping`, { code: 'SL6020' });
  const { mac, dst, destination, via, lifetime, sticky, ...numbers } = item as Record<string, unknown>;
  const odd = Object.keys(item).find((name) => !MEMBERS.has(name) && !IGNORED.has(name));
  if (odd !== undefined) throw new UsageError(`${where} has a member '${odd}' that means nothing here`, { code: 'SL6020', hints: [`it may have ${[...MEMBERS].join(', ')}`] });
  try {
    return readEntry(given({
      device, table, mac: String(mac), destination: optionalText(dst ?? destination), via: optionalText(via), lifetime: optionalText(lifetime), sticky: sticky === true,
      port: optionalNumber(numbers['port']), vni: optionalNumber(numbers['vni']), sourceVni: optionalNumber(numbers['sourceVni']), nexthopId: optionalNumber(numbers['nexthopId']), vlan: optionalNumber(numbers['vlan']),
    }) as Parameters<typeof readEntry>[0]);
  } catch (error) {
    throw error instanceof UsageError ? new UsageError(`${where}: ${error.message}`, { code: 'SL6020', hints: error.hints }) : error;
  }
}

const optionalText = (value: unknown): string | undefined => (value === undefined || value === null ? undefined : String(value));

const optionalNumber = (value: unknown): number | undefined => (value === undefined || value === null ? undefined : Number(value));
