/** What writing, removing and synchronising entries takes, and what undoes it. Pure. */

import { NotFoundError, OperationError } from '../../../lib/errors.ts';
import { FLOOD_MAC } from '../model.ts';
import type { Step } from '../steps/model.ts';
import { type FdbEntry, fdbKey } from './model.ts';

/** How an entry is written; see `FdbMode` of the kernel package. */
export type WriteMode = 'create' | 'append' | 'replace';

/** Steps, those that undo them, and what they do in one line. */
export interface FdbPlan {
  steps: Step[];
  undo: Step[];
}

const ofMac = (entries: readonly FdbEntry[], { mac, table, vlan, sourceVni }: FdbEntry): FdbEntry[] =>
  entries.filter((entry) => entry.mac === mac && entry.table === table && entry.vlan === vlan && entry.sourceVni === sourceVni);

/**
 * Writes an entry. A flood entry is appended unless it is to be replaced: a device may have many.
 *
 * @throws OperationError SL6021 when the MAC has an entry and the new one neither joins nor replaces it
 */
export function planWrite(entry: FdbEntry, mode: WriteMode, existing: readonly FdbEntry[]): FdbPlan {
  const there = ofMac(existing, entry);
  if (there.some((one) => fdbKey(one) === fdbKey(entry) && one.lifetime === entry.lifetime)) return { steps: [], undo: [] };
  if (mode === 'replace') return { steps: [{ do: 'fdb-replace', entry }], undo: [{ do: 'fdb-delete', entry }, ...restore(there)] };
  const joins = mode === 'append' || entry.mac === FLOOD_MAC;
  if (there.length > 0 && !joins) {
    throw new OperationError(`${entry.device} has an entry for ${entry.mac} already: ${there.map(endOf).join(', ')}`, { code: 'SL6021', hints: ['--append adds another end', '--replace takes the place of it'] });
  }
  // Appending to nothing is what creating is; a bridge knows no appending.
  const append = joins && entry.table === 'self';
  return { steps: [{ do: append ? 'fdb-append' : 'fdb-create', entry }], undo: [{ do: 'fdb-delete', entry }] };
}

const endOf = ({ destination, nexthopId, master, device }: FdbEntry): string => destination ?? (nexthopId === undefined ? (master ?? device) : `nexthop ${nexthopId}`);

/** Learned ones come back by themselves. */
const restore = (entries: readonly FdbEntry[]): Step[] =>
  entries.filter(({ lifetime }) => lifetime !== 'dynamic').map((entry) => ({ do: entry.table === 'self' && entry.nexthopId === undefined ? 'fdb-append' : 'fdb-replace', entry }));

/**
 * Removes an entry: with a destination that one, without one all of the MAC.
 *
 * @throws NotFoundError SL6022 when there is none
 */
export function planRemove(entry: FdbEntry, existing: readonly FdbEntry[]): FdbPlan {
  const there = ofMac(existing, entry).filter((one) => (entry.destination === undefined || one.destination === entry.destination) && (entry.port === undefined || one.port === entry.port));
  if (there.length === 0) {
    const others = ofMac(existing, entry).map(endOf);
    throw new NotFoundError(`${entry.device} has no entry for ${entry.mac}${entry.destination === undefined ? '' : ` to ${entry.destination}`}`, {
      code: 'SL6022', ...(others.length === 0 ? {} : { causes: [`the entry leads to ${others.join(', ')}`] }), hints: [`sluice vxlan fdb list ${entry.device}`],
    });
  }
  return { steps: there.map((one) => ({ do: 'fdb-delete', entry: one })), undo: restore(there) };
}

/** Makes the lasting entries of a device those that are wanted. Learned ones, and those of routing daemons, are left alone. */
export function planSync(wanted: readonly FdbEntry[], existing: readonly FdbEntry[], table: FdbEntry['table']): FdbPlan {
  const lasting = existing.filter((entry) => entry.table === table && entry.lifetime !== 'dynamic' && !entry.externallyLearned && !isOwn(entry));
  const stateOf = (entry: FdbEntry): string => `${fdbKey(entry)} ${entry.lifetime} ${entry.sticky}`;
  const [have, want] = [new Set(lasting.map(stateOf)), new Set(wanted.map(stateOf))];
  const surplus = lasting.filter((entry) => !want.has(stateOf(entry)));
  const missing = wanted.filter((entry, index) => !have.has(stateOf(entry)) && wanted.findIndex((other) => stateOf(other) === stateOf(entry)) === index);
  // Removing comes first: an entry that only changes would otherwise be taken for the one that is there.
  return {
    steps: [...surplus.map((entry): Step => ({ do: 'fdb-delete', entry })), ...missing.map(writeStep)],
    undo: [...missing.map((entry): Step => ({ do: 'fdb-delete', entry })), ...restore(surplus)],
  };
}

const writeStep = (entry: FdbEntry): Step => ({ do: entry.table === 'self' && entry.nexthopId === undefined ? 'fdb-append' : 'fdb-replace', entry });

/** What a bridge keeps for the addresses of its own ports goes and comes with them. */
const isOwn = ({ table, lifetime, destination }: FdbEntry): boolean => table === 'master' && lifetime === 'permanent' && destination === undefined;
