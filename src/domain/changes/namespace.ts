/** Which network namespace a change is for, and where its revert script can enter it later. */

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { NotFoundError } from '../../lib/errors.ts';
import { identityOf, isAlive, ownIdentity } from './clock.ts';
import type { Namespace } from './model.ts';

/** Where `ip netns add` keeps its names. */
const NAMES = '/run/netns';

/**
 * The namespace at `netns`, or the caller's own.
 *
 * The caller's own is not always the node's: under `ip netns exec` it has a name, under `unshare` none. A namespace that
 * only a process leads to gets `mountPoint` as its path, and the process.
 *
 * @throws NotFoundError when there is nothing at the path
 */
export function findNamespace(netns: { path: string; label: string } | undefined, mountPoint: string): Namespace {
  const path = netns?.path ?? '/proc/self/ns/net';
  const inode = inodeOf(path);
  if (inode === undefined) throw new NotFoundError(`there is no network namespace at ${path}`);
  if (inode === inodeOf('/proc/1/ns/net')) return { inode, host: true, path: '/proc/1/ns/net', label: '-' };
  const ofProcess = /^\/proc\/(self|\d+)\//.exec(path)?.[1];
  if (ofProcess === undefined) return { inode, host: false, path, label: netns?.label ?? path };
  const name = nameOf(inode);
  if (name !== undefined) return { inode, host: false, path: join(NAMES, name), label: netns?.label ?? name };
  const process = (ofProcess === 'self' ? undefined : identityOf(Number(ofProcess))) ?? ownIdentity();
  return { inode, host: false, path: mountPoint, label: netns?.label ?? `net:[${inode}]`, process };
}

/** True while the namespace exists where the change found it; another one may have got its inode since. */
export function isReachable({ inode, path, process }: Namespace): boolean {
  if (inodeOf(path) === inode) return true;
  return process !== undefined && isAlive(process) && inodeOf(`/proc/${process.pid}/ns/net`) === inode;
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
