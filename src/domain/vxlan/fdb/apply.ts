/** Writing, removing and synchronising entries. */

import { readFileSync } from 'node:fs';
import { buffer } from 'node:stream/consumers';
import { openNetlink } from '../../../kernel/netlink/index.ts';
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
  checkRemote(entry, tableOf(entry.device, context));
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
  const table = tableOf(device, context);
  const wanted = readEntries(text, path === '-' ? 'standard input' : path, device, table);
  for (const entry of wanted) checkRemote(entry, table);
  const { items } = await listEntries({ device, ...context });
  const { steps, undo } = planSync(wanted, items, table);
  const removed = steps.filter((step) => step.do === 'fdb-delete').length;
  return await finish({ name: device, summary: `synchronise FDB of ${device}: ${steps.length - removed} written, ${removed} removed`, steps, undo, notes: [] }, context);
}

const entryOf = ({ master, ...words }: FdbWords): FdbEntry => readEntry({ ...words, table: master === true ? 'master' : 'self' });

const describe = ({ device, mac, destination }: FdbEntry): string => `${mac} of ${device}${destination === undefined ? '' : ` to ${destination}`}`;

/** The kernel takes a remote end for any device, and forgets it; and none for a VXLAN device, and sends to 0.0.0.0. */
function checkRemote(entry: FdbEntry, tableOfDevice: FdbEntry['table']): void {
  const { device, mac, table, destination, port, vni, sourceVni, via, nexthopId } = entry;
  const isVxlan = tableOfDevice === 'self';
  if (!isVxlan && [destination, port, vni, sourceVni, via, nexthopId].some((value) => value !== undefined)) {
    throw new UsageError(`${device} is no VXLAN device: its entries have no remote end`, { code: 'SL6020', hints: [`sluice link get ${device}`] });
  }
  if (isVxlan && table === 'self' && destination === undefined && nexthopId === undefined) {
    throw new UsageError(`the entry for ${mac} of ${device} leads nowhere`, { code: 'SL6020', hints: ['--dst IP', '--nexthop ID'] });
  }
}

/** Where the entries of a device are kept that a file lists. */
function tableOf(device: string, { netns }: ChangeContext): FdbEntry['table'] {
  using netlink = openNetlink({ netns });
  return findLink(netlink, device).kind === 'vxlan' ? 'self' : 'master';
}

async function readText(path: string): Promise<string> {
  try {
    return path === '-' ? (await buffer(process.stdin)).toString('utf8') : readFileSync(path, 'utf8');
  } catch (error) {
    throw new OperationError(`cannot read ${path}`, { code: 'SL1102', reason: 'usage', causes: [(error as Error).message], cause: error });
  }
}
