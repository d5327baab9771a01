import { readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

/** Directories of the unified hierarchy by their ids, which are their inode numbers. */
export function readCgroups(): Map<bigint, string> {
  const found = new Map<bigint, string>();
  for (const root of cgroupRoots()) collect(root, found);
  return found;
}

/** Where cgroup2 is mounted; the first when it is more than once. */
export function cgroupRoots(): string[] {
  const line = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').find((text) => / - cgroup2 /.test(text));
  return line === undefined ? [] : [line.split(' ')[4]!];
}

function collect(directory: string, found: Map<bigint, string>): void {
  try {
    found.set(statSync(directory, { bigint: true }).ino, directory);
    for (const entry of readdirSync(directory, { withFileTypes: true })) if (entry.isDirectory()) collect(join(directory, entry.name), found);
  } catch {
    // Removed while it was read.
  }
}
