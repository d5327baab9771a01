/** Where things are pinned, and what the flags mean. Pure. */

import { basename, join, resolve } from 'node:path';
import { UsageError } from '../../../lib/errors.ts';

/** Pins of one load. */
export interface LoadPins {
  directory: string;
  program(name: string): string;
  map(name: string): string;
  /** Where a map is found that several objects share by its name, as libbpf does it. */
  shared(name: string): string;
}

/** @param bpffs where the bpf file system is mounted */
export function planPins(bpffs: string, object: string, directory?: string): LoadPins {
  const folder = directory === undefined ? join(bpffs, 'sluice', 'programs', pinName(objectName(object))) : resolve(directory);
  return {
    directory: folder,
    // The folder of the maps has that name.
    program: (name) => join(folder, name === 'maps' ? 'maps_program' : pinName(name)),
    map: (name) => join(folder, 'maps', pinName(name)),
    shared: (name) => join(bpffs, pinName(name)),
  };
}

/** `xdp_drop` of `/tmp/xdp_drop.bpf.o`. */
export const objectName = (path: string): string => basename(path).replace(/\..*$/, '') || 'object';

/** A bpf file system takes no dots in names. */
export const pinName = (name: string): string => name.replace(/[^\w-]/g, '_');

/** Reads flags such as `--const NAME=VALUE`; `form` is how they are written. @throws UsageError for one without a name or a value. */
export function readPairs(form: string, pairs: readonly string[]): Record<string, string> {
  return Object.fromEntries(pairs.map((pair) => {
    const at = pair.indexOf('=');
    if (at < 1 || at === pair.length - 1) throw new UsageError(`'${pair}' is not ${form}`);
    return [pair.slice(0, at), pair.slice(at + 1)];
  }));
}

/** Paths to remove when the load is undone: pins, then the folders that held them. */
export const removalOrder = (pins: LoadPins, paths: readonly string[]): string[] => [...paths, join(pins.directory, 'maps'), pins.directory];
