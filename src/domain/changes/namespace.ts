/** Which network namespace a change is for, and where its revert script can enter it later. */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { NotFoundError } from '../../lib/errors.ts';
import type { Namespace } from './model.ts';

/** Where `ip netns add` keeps its names. */
const NAMES = '/run/netns';

/**
 * The namespace at `netns`, or the caller's own.
 *
 * The caller's own is not always the node's: under `ip netns exec` it has a name, under `unshare` none. A name below
 * /run/netns is preferred to a path below /proc, which goes away with its process.
 *
 * @throws NotFoundError when there is nothing at the path
 */
export function findNamespace(netns: { path: string; label: string } | undefined): Namespace {
  const path = netns?.path ?? '/proc/self/ns/net';
  const inode = inodeOf(path);
  if (inode === undefined) throw new NotFoundError(`there is no network namespace at ${path}`);
  if (inode === inodeOf('/proc/1/ns/net')) return { inode, host: true, path: '/proc/1/ns/net', label: '-' };
  const name = path.startsWith('/proc/') ? nameOf(inode) : undefined;
  if (name !== undefined) return { inode, host: false, path: join(NAMES, name), label: netns?.label ?? name };
  return { inode, host: false, path: netns?.path ?? `/proc/${process.pid}/ns/net`, label: netns?.label ?? `net:[${inode}]` };
}

function nameOf(inode: number): string | undefined {
  return namesOrNone().find((name) => inodeOf(join(NAMES, name)) === inode);
}

function namesOrNone(): string[] {
  try {
    return readdirSync(NAMES);
  } catch {
    return [];
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return statSync(path).ino;
  } catch {
    return undefined;
  }
}
