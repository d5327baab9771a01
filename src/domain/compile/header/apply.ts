/** vmlinux.h of the running kernel, made once and kept. */

import { createHash } from 'node:crypto';
import { lstatSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { Btf, dumpC, KERNEL_BTF } from '../../../kernel/btf/index.ts';

/** Counts changes of what is written for the same types. */
const EDITION = 2;
const HEADER = 'vmlinux.h';

/**
 * Folder with a vmlinux.h of the running kernel. It lies in the cache, by a digest of the kernel's types, unless others could
 * write there: what a compiler reads decides about code that runs in the kernel.
 *
 * @param spare folder that is used instead of the cache
 */
export function provideHeader(spare: string): string {
  const bytes = readFileSync(KERNEL_BTF);
  const digest = createHash('sha256').update(bytes).digest('hex').slice(0, 32);
  const folder = makeFolders([cacheRoot(), 'headers', `${digest}-${EDITION}`]);
  if (folder !== undefined && isOurs(join(folder, HEADER), 'isFile')) return folder;
  const text = dumpC(new Btf(bytes, KERNEL_BTF));
  if (folder !== undefined && isWritten(join(folder, HEADER), text)) return folder;
  writeFileSync(join(spare, HEADER), text);
  return spare;
}

function cacheRoot(): string {
  const { SLUICE_CACHE_DIR, XDG_CACHE_HOME, HOME } = process.env;
  if (SLUICE_CACHE_DIR !== undefined) return SLUICE_CACHE_DIR;
  return process.geteuid?.() === 0 ? '/var/cache/sluice' : join(XDG_CACHE_HOME ?? join(HOME ?? '/', '.cache'), 'sluice');
}

/** The folder, with every step of the way ours; undefined when it cannot be made or belongs to somebody else. */
function makeFolders([root, ...names]: readonly string[]): string | undefined {
  let path = root!;
  makeFolder(dirname(path));
  for (const name of ['', ...names]) {
    path = join(path, name);
    makeFolder(path);
    if (!isOurs(path, 'isDirectory')) return undefined;
  }
  return path;
}

/** Where it cannot be made it is not there afterwards, which is what counts. */
function makeFolder(path: string): void {
  try {
    mkdirSync(path, { mode: 0o755 });
  } catch {
    // It exists, or something is in the way.
  }
}

/** Whether it is no link, belongs to us and can be written by nobody else. */
function isOurs(path: string, kind: 'isFile' | 'isDirectory'): boolean {
  const status = lstatSync(path, { throwIfNoEntry: false });
  return status !== undefined && status[kind]() && status.uid === process.geteuid?.() && (status.mode & 0o022) === 0;
}

/** Written to the side and renamed: somebody else may compile at this moment. False where the disk is full or read-only. */
function isWritten(path: string, text: string): boolean {
  const beside = `${path}.${process.pid}.tmp`;
  try {
    writeFileSync(beside, text, { mode: 0o644 });
    renameSync(beside, path);
    return true;
  } catch {
    rmSync(beside, { force: true });
    return false;
  }
}
