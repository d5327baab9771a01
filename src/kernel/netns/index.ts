/** Network namespaces: find one, run inside it, come back. */

import { closeSync, existsSync, openSync, statSync } from 'node:fs';
import { NotFoundError } from '../../lib/errors.ts';
import { call } from '../syscalls/index.ts';

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
  const path = reference.startsWith('/') ? reference : /^\d+$/.test(reference) ? `/proc/${reference}/ns/net` : `/run/netns/${reference}`;
  if (!existsSync(path))
    throw new NotFoundError(`no network namespace ${reference}`, { causes: [`${path} does not exist`], hints: ['ip netns list'] });
  return { path, label: reference };
}

/** Inode number of a namespace, its identity; the caller's own without `path`. */
export const netnsInode = (path: string = OWN): number => statSync(path).ino;

/**
 * Runs `work` with the calling thread inside another network namespace; without a path, right here.
 *
 * `work` must be synchronous: a continuation would run after the thread has come back.
 */
export function inNetns<T>(path: string | undefined, work: () => T): T {
  if (path === undefined) return work();
  const home = openSync(OWN, 'r');
  try {
    enter(path);
    try {
      return work();
    } finally {
      comeBack(home);
    }
  } finally {
    closeSync(home);
  }
}

function enter(path: string): void {
  const there = openSync(path, 'r');
  try {
    call('setns', `setns ${path}`, there, CLONE_NEWNET);
  } finally {
    closeSync(there);
  }
}

/** Going on in the wrong namespace would change the wrong machine. */
function comeBack(home: number): void {
  try {
    call('setns', 'setns home', home, CLONE_NEWNET);
  } catch {
    process.abort();
  }
}
