/** Network namespaces: find one, run inside it, come back. */

import { lstatSync, readdirSync, statSync } from 'node:fs';
import { NotFoundError } from '../../lib/errors.ts';
import { call, Fd, toSyscallError } from '../syscalls/index.ts';

const CLONE_NEWNET = 0x4000_0000;
const OWN = '/proc/thread-self/ns/net';

/** A namespace by a path that `setns` and `nsenter --net=` take, and what the user calls it. */
export interface Netns {
  path: string;
  label: string;
}

/**
 * Finds the namespace a user named: a name of `ip netns`, a path, or a process id.
 *
 * @throws NotFoundError when there is none.
 */
export function resolveNetns(reference: string): Netns {
  const path = pathOf(reference);
  // Not stat: following the link of another user's process needs rights that are asked for when it is entered.
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return { path, label: reference };
  throw new NotFoundError(`no network namespace ${reference}`, { causes: [`${path} does not exist`], hints: ['ip netns list'] });
}

function pathOf(reference: string): string {
  if (reference.includes('/')) return reference;
  return /^\d+$/.test(reference) ? `/proc/${reference}/ns/net` : `/run/netns/${reference}`;
}

/** A namespace that exists; `label` is empty for the caller's own. */
export interface FoundNetns extends Netns {
  inode: number;
}

/** Every namespace that has a name or a process in it and may be seen, each once; the caller's own is the first. */
export function listNetns(): FoundNetns[] {
  const names = entries('/run/netns').map((name) => ({ path: `/run/netns/${name}`, label: name }));
  const processes = entries('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => ({ path: `/proc/${pid}/ns/net`, label: `pid ${pid}` }));
  const found = new Map<number, FoundNetns>();
  for (const netns of [{ path: OWN, label: '' }, ...names, ...processes]) {
    const inode = inodeOf(netns.path);
    if (inode !== undefined && !found.has(inode)) found.set(inode, { ...netns, inode });
  }
  return [...found.values()];
}

/** Undefined for processes that have ended, and for those that not even root may look into. */
function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}

function entries(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}

/** Inode number of a namespace, its identity; the caller's own without `path`. @throws SyscallError when it cannot be read. */
export function netnsInode(path: string = OWN): number {
  try {
    return statSync(path).ino;
  } catch (error) {
    throw toSyscallError(`stat ${path}`, error);
  }
}

/**
 * Runs `work` with the calling thread inside another network namespace; without a path, right here.
 *
 * `work` must be synchronous: a continuation would run after the thread has come back.
 *
 * @throws SyscallError EPERM without CAP_SYS_ADMIN; EINVAL where the path is no network namespace. @man setns(2)
 */
export function inNetns<T>(path: string | undefined, work: () => T): T {
  return path === undefined ? work() : away(() => enter(path), work);
}

/** Runs `work`, which must be synchronous, in a new network namespace that ends with it unless something in it is kept. */
export function inNewNetns<T>(work: () => T): T {
  return away(() => call('unshare', 'unshare(CLONE_NEWNET)', CLONE_NEWNET), work);
}

/** The way home is opened first: the thread's own entry, as /proc/1/ns/net may be another's. */
function away<T>(go: () => void, work: () => T): T {
  using home = Fd.open(OWN);
  go();
  try {
    return work();
  } finally {
    comeBack(home);
  }
}

function enter(path: string): void {
  using there = Fd.open(path);
  call('setns', `setns ${path}`, there.number, CLONE_NEWNET);
}

/** Going on in the wrong namespace would change the wrong machine. */
function comeBack(home: Fd): void {
  try {
    call('setns', 'setns home', home.number, CLONE_NEWNET);
  } catch {
    process.abort();
  }
}
