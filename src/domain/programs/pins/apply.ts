import { rmdirSync, rmSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { isBpffs } from '../../../kernel/bpf/index.ts';
import { NotFoundError, OperationError } from '../../../lib/errors.ts';
import { listPins } from '../../bpf/index.ts';
import { isOurs } from '../attach/pins.ts';
import type { AskFirst } from '../detach/apply.ts';
import { describePin, readWorld } from './inspect.ts';
import type { PinnedObject } from './pinned.ts';

export interface UnpinRequest {
  /** Pins, or folders with pins below them. */
  paths: readonly string[];
  dryRun: boolean;
  ask: AskFirst;
}

/** Pins that were removed, or would be. */
export interface Unpinned {
  items: PinnedObject[];
  dryRun: boolean;
}

/**
 * Removes pins. What nothing else holds leaves the kernel with it; a link is detached by that.
 *
 * @throws NotFoundError SL2511 where nothing is pinned; OperationError SL2301 outside a bpf file system. Nothing is removed then.
 */
export async function deletePins({ paths, dryRun, ask }: UnpinRequest): Promise<Unpinned> {
  const world = readWorld();
  const all = [...listPins()];
  const wanted = paths.map((path) => resolve(path));
  for (const path of wanted) checkPath(path, all.some((pin) => isBelow(pin.path, path)));
  const items = all.filter((pin) => wanted.some((path) => isBelow(pin.path, path))).map((pin) => describePin(pin, world));
  const foreign = items.filter(({ path }) => !isOurs(path));
  if (!dryRun && foreign.length > 0) await ask(foreign.map(({ path, kind, id }) => `the pin ${path} of ${kind} ${id}`));
  if (!dryRun) for (const { path } of items) removePin(path);
  return { items, dryRun };
}

const isBelow = (path: string, folder: string): boolean => path === folder || path.startsWith(`${folder}/`);

function checkPath(path: string, isPinned: boolean): void {
  if (isPinned) return;
  if (!isBpffs(path) && !isBpffs(dirname(path))) throw new OperationError(`${path} is not in a bpf file system`, { code: 'SL2301', reason: 'usage' });
  throw new NotFoundError(`nothing is pinned at ${path}`, { code: 'SL2511', hints: ['sluice bpf pin list'] });
}

/** Removes a pin, and the folders of sluice that are empty then. */
export function removePin(path: string): void {
  rmSync(path, { force: true });
  for (let folder = dirname(path); isOurs(`${folder}/`); folder = dirname(folder)) {
    try {
      rmdirSync(folder);
    } catch {
      return;
    }
  }
}
