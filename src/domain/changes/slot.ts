/**
 * One change at a time for each network namespace, without a lock that could be left behind.
 *
 * The slot of a namespace is a directory that always holds exactly one file, named after who has it: `free`, `ID.PID.TICKS`
 * while that process works on change ID, or `ID` when the state of change ID alone decides. Taking it renames the file that
 * was seen, so of two that saw the same holder only one succeeds; a dead process or an ended change holds nothing.
 */

import { mkdtempSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { ownIdentity } from './clock.ts';
import type { ProcessIdentity } from './model.ts';
import { runDirectory } from './paths.ts';
import { ensureDirectory } from './store.ts';

/** Who has a slot; `process` is absent when only the state of the change counts. */
export interface Holder {
  id: string;
  process?: ProcessIdentity;
}

/**
 * Takes the slot of the namespace `inode` for change `id` and this process.
 *
 * @param refuse is asked about the present holder and throws when that one must not be pushed aside
 */
export function takeSlot(inode: number, id: string, refuse: (holder: Holder) => void): void {
  const slot = openSlot(inode);
  const { pid, startTicks } = ownIdentity();
  for (;;) {
    const seen = nameIn(slot);
    const holder = parseHolder(seen);
    if (holder !== undefined) refuse(holder);
    if (renamed(join(slot, seen), join(slot, `${id}.${pid}.${startTicks}`))) return;
  }
}

/** Ends this process's hold: from now on the state of change `id` decides whether the slot is taken. */
export function leaveSlot(inode: number, id: string): void {
  const { pid, startTicks } = ownIdentity();
  const slot = openSlot(inode);
  renamed(join(slot, `${id}.${pid}.${startTicks}`), join(slot, id));
}

function openSlot(inode: number): string {
  const parent = join(runDirectory(), 'netns');
  const slot = join(parent, String(inode));
  ensureDirectory(parent);
  const fresh = mkdtempSync(join(parent, '.new-'));
  writeFileSync(join(fresh, 'free'), '');
  // rename(2) refuses to replace a directory that holds something: whoever comes second leaves the slot alone.
  if (!renamed(fresh, slot)) rmSync(fresh, { recursive: true });
  return slot;
}

function nameIn(slot: string): string {
  for (;;) {
    // Empty only while another process renames between two reads of the directory.
    const [name] = readdirSync(slot);
    if (name !== undefined) return name;
  }
}

function parseHolder(name: string): Holder | undefined {
  const [id, pid, startTicks] = name.split('.');
  if (id === undefined || id === 'free') return undefined;
  return pid === undefined || startTicks === undefined ? { id } : { id, process: { pid: Number(pid), startTicks } };
}

function renamed(from: string, to: string): boolean {
  try {
    renameSync(from, to);
    return true;
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTEMPTY' || code === 'EEXIST') return false;
    throw error;
  }
}
