/**
 * One generation of a ruleset in the kernel: programs, image and counters, loaded but not yet in force.
 *
 * Loading changes nothing on the node; everything vanishes when the descriptors close, unless it was pinned.
 */

import { readFileSync } from 'node:fs';
import { UnsupportedError, VerifierError, SyscallError } from '../../../lib/errors.ts';
import { type BpfMap, loadObject, readBuiltin, type BpfProgram, type LoadedObject, possibleCpus } from '../../../kernel/bpf/index.ts';
import { HOOKS, IMAGE_SLACK, type HookName, type Image } from '../../classifier/index.ts';
import type { Family } from '../../netfilter/index.ts';

const NFPROTO: Readonly<Record<Family, 2 | 10>> = { ipv4: 2, ipv6: 10 };

/** Index of a hook in the program array that links jump through. */
export const slotOf = (family: Family, hook: HookName): number => (family === 'ipv6' ? 4 : 0) + HOOKS[hook];

/** A loaded ruleset of one family. */
export interface Generation {
  decide: BpfProgram;
  image: BpfMap;
  counters: BpfMap;
  /** The image as the kernel holds it, read back after it was frozen. */
  readBack: Buffer;
  close(): void;
}

/** Programs of the object that a caller may want beside `decide`. */
export type EngineProgram = 'decide' | 'shadow_before' | 'shadow_after';

/**
 * Loads a family's image with the engine.
 *
 * The image is written through a mapping, unmapped, frozen and read back: from then on nothing in user space changes it.
 *
 * @throws UnsupportedError on a kernel without netfilter programs or BTF.
 */
export function loadGeneration(family: Family, image: Image, options: { programs?: readonly EngineProgram[]; testing?: boolean } = {}): Generation & { object: LoadedObject } {
  const object = loadEngine(family, image, options.programs ?? ['decide'], {}, { testing: options.testing === true ? 1 : 0 });
  try {
    const map = object.map('image');
    fillImage(map, image.bytes);
    return {
      object,
      decide: object.program((options.programs ?? ['decide'])[0]!),
      image: map,
      counters: object.map('counters'),
      readBack: readImage(map, image.bytes.length),
      close: () => object.close(),
    };
  } catch (error) {
    object.close();
    throw error;
  }
}

/** The xt_bpf programs of a hook in dispatch mode, over a generation's maps; bit i is at index i. */
export function loadDispatch(family: Family, image: Image, generation: Generation, hook: HookName, bits: number): { isAccept: LoadedObject; isBit: LoadedObject[] } {
  const maps = { image: generation.image, counters: generation.counters };
  const constants = { socket_hook: HOOKS[hook] };
  return {
    isAccept: loadEngine(family, image, ['is_accept'], maps, constants),
    isBit: Array.from({ length: bits }, (_, bit) => loadEngine(family, image, ['is_bit'], maps, { ...constants, action_bit: bit })),
  };
}

/** The program that a hook's link runs for good: it jumps to whatever generation stands in its slot. */
export function loadEntry(family: Family, hook: HookName, generations: BpfMap): LoadedObject {
  return load(['entry'], { generations }, {}, { slot: slotOf(family, hook) });
}

function loadEngine(
  family: Family, image: Image, programs: readonly string[], maps: Record<string, BpfMap>, constants: Record<string, number>,
): LoadedObject {
  const sizes = {
    image: { valueSize: image.bytes.length + IMAGE_SLACK },
    counters: { maxEntries: image.leaves.length * possibleCpus() },
  };
  return load(programs, maps, sizes, { image_mask: image.bytes.length - 4, leaf_count: image.leaves.length, family: NFPROTO[family], ...constants });
}

function load(
  programs: readonly string[], maps: Record<string, BpfMap>, sizes: Record<string, { valueSize?: number; maxEntries?: number }>, constants: Record<string, number>,
): LoadedObject {
  try {
    return loadObject(readBuiltin('filter'), 'filter.bpf.o', { programs, maps, sizes, constants });
  } catch (error) {
    if (error instanceof VerifierError || !(error instanceof SyscallError) || error.errnoName !== 'EINVAL') throw error;
    throw new UnsupportedError('migrating to eBPF', {
      needs: 'netfilter programs (Linux 6.4, CONFIG_NETFILTER_BPF_LINK)', code: 'SL3020',
      causes: [error.message, `this is Linux ${readFileSync('/proc/sys/kernel/osrelease', 'latin1').trim()}`], cause: error,
    });
  }
}

function fillImage(map: BpfMap, bytes: Buffer): void {
  const mapping = map.map({ writable: true });
  bytes.copy(mapping.bytes);
  mapping.unmap();
  map.freeze();
}

function readImage(map: BpfMap, length: number): Buffer {
  const mapping = map.map({ writable: false });
  const copy = Buffer.from(mapping.bytes.subarray(0, length));
  mapping.unmap();
  return copy;
}
