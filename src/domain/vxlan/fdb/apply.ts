/** Writing, removing and synchronising entries. */

import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { openNetlink, readVxlan } from '../../../kernel/netlink/index.ts';
import { OperationError, UsageError } from '../../../lib/errors.ts';
import { type ChangeContext, finish, type OverlayOutcome } from '../apply.ts';
import { findLink } from '../../links/index.ts';
import { readEntries } from './file.ts';
import { listEntries } from './inspect.ts';
import type { FdbEntry } from './model.ts';
import { planRemove, planSync, planWrite, type WriteMode } from './plan.ts';
import { type EntryWords, readEntry } from './words.ts';

/** An entry in words; the table is that of the device, or of its bridge with `master`. */
export type FdbWords = Omit<EntryWords, 'table'> & { master?: boolean | undefined };

/**
 * Writes an entry as a change.
 *
 * @throws UsageError SL6020; NotFoundError SL6003 no such device; OperationError SL6021 when the MAC has an entry
 */
export async function addEntry(words: FdbWords, mode: WriteMode, context: ChangeContext): Promise<OverlayOutcome> {
  const entry = entryOf(words);
  checkRemote(entry, inspectDevice(entry.device, [entry], context));
  const { items } = await listEntries({ device: entry.device, ...context });
  const { steps, undo } = planWrite(entry, mode, items);
  return await finish({ name: entry.device, summary: `${mode} FDB entry ${describe(entry)}`, steps, undo, notes: [] }, context);
}

/** Removes an entry as a change. @throws UsageError SL6020; NotFoundError SL6003, SL6022 */
export async function deleteEntry(words: FdbWords, context: ChangeContext): Promise<OverlayOutcome> {
  const entry = entryOf(words);
  const { items } = await listEntries({ device: entry.device, ...context });
  const { steps, undo } = planRemove(entry, items);
  return await finish({ name: entry.device, summary: `delete FDB entry ${describe(entry)}`, steps, undo, notes: [] }, context);
}

/**
 * Makes the lasting entries of a device those of a file, or of standard input for `-`, as one change.
 *
 * A VXLAN device has them in its own table, another one in that of its bridge.
 *
 * @throws OperationError SL1102 for a file that cannot be read; ParseError; UsageError SL6020; NotFoundError SL6003
 */
export async function syncEntries(device: string, path: string, context: ChangeContext): Promise<OverlayOutcome> {
  const text = await readText(path);
  const { table } = inspectDevice(device, [], context);
  const wanted = readEntries(text, path === '-' ? 'standard input' : path, device, table);
  const facts = inspectDevice(device, wanted, context);
  for (const entry of wanted) checkRemote(entry, facts);
  const { items } = await listEntries({ device, ...context });
  const { steps, undo } = planSync(wanted, items, table);
  const removed = steps.filter((step) => step.do === 'fdb-delete').length;
  return await finish({ name: device, summary: `synchronise FDB of ${device}: ${steps.length - removed} written, ${removed} removed`, steps, undo, notes: [] }, context);
}

const entryOf = ({ master, ...words }: FdbWords): FdbEntry => readEntry({ ...words, table: master === true ? 'master' : 'self' });

const describe = ({ device, mac, destination }: FdbEntry): string => `${mac} of ${device}${destination === undefined ? '' : ` to ${destination}`}`;

/** What has to be known of a device before its entries are written. */
interface DeviceFacts {
  /** Where the entries are kept that a file lists: a VXLAN device has its own. */
  table: FdbEntry['table'];
  /** Family of the underlay; undefined where the device does not tell. */
  family: 'IPv4' | 'IPv6' | undefined;
}

/** Looks at a device, and whether there are the interfaces that entries name. @throws NotFoundError SL6003 */
function inspectDevice(device: string, entries: readonly FdbEntry[], { netns }: ChangeContext): DeviceFacts {
  using netlink = openNetlink({ netns });
  const { kind, kindData } = findLink(netlink, device);
  for (const via of new Set(entries.map((entry) => entry.via).filter((name) => name !== undefined))) findLink(netlink, via);
  if (kind !== 'vxlan') return { table: 'master', family: undefined };
  const { local, group, external } = readVxlan(kindData!);
  const end = external === true ? undefined : (local ?? group);
  return { table: 'self', family: end === undefined ? undefined : familyOf(end) };
}

const familyOf = (address: string): 'IPv4' | 'IPv6' => (address.includes(':') ? 'IPv6' : 'IPv4');

/** The kernel takes a remote end for any device, and forgets it; and none for a VXLAN device, and sends to 0.0.0.0. */
function checkRemote(entry: FdbEntry, device: DeviceFacts): void {
  const { mac, table, destination, port, vni, sourceVni, via, nexthopId } = entry;
  const isVxlan = device.table === 'self';
  if (!isVxlan && [destination, port, vni, sourceVni, via, nexthopId].some((value) => value !== undefined)) {
    throw new UsageError(`${entry.device} is no VXLAN device: its entries have no remote end`, { code: 'SL6020', hints: [`sluice link get ${entry.device}`] });
  }
  if (isVxlan && table === 'self' && destination === undefined && nexthopId === undefined) {
    throw new UsageError(`the entry for ${mac} of ${entry.device} leads nowhere`, { code: 'SL6020', hints: ['--dst IP', '--nexthop ID'] });
  }
  if (destination !== undefined && device.family !== undefined && familyOf(destination) !== device.family) {
    throw new UsageError(`${destination} is ${familyOf(destination)}, and ${entry.device} runs over ${device.family}`, { code: 'SL6020', hints: [`sluice vxlan get ${entry.device}`] });
  }
}

async function readText(path: string): Promise<string> {
  try {
    return path === '-' ? (await buffer(process.stdin)).toString('utf8') : readFileSync(path, 'utf8');
  } catch (error) {
    throw new OperationError(`cannot read ${path}`, { code: 'SL1102', reason: 'usage', causes: [(error as Error).message], cause: error });
  }
}
