import { join } from 'node:path';
import { BpfMap, ensureBpffs, mapInfo, mapTypeName, openById } from '../../../kernel/bpf/index.ts';
import { listPins, readAll, type Pin } from '../../bpf/index.ts';
import { removePin } from '../pins/apply.ts';
import { describePin, isHeld, readWorld, type World } from '../pins/inspect.ts';
import { whyGarbage, type Garbage } from './garbage.ts';

export interface GarbageRequest {
  /** Only what belongs to this owner. Absent: everything is listed, and what is of sluice is deleted. */
  owner?: string | undefined;
  delete: boolean;
}

/** What nothing refers to. */
export interface GarbageListing {
  items: Garbage[];
  complete: boolean;
  warnings: readonly string[];
}

/**
 * Finds pins that nothing needs: of programs that are attached nowhere, of maps that no program uses, of links whose device is gone.
 *
 * Deleting one may leave others without use: maps whose only program goes with its pin come with the next run.
 *
 * @throws SyscallError EPERM without CAP_SYS_ADMIN.
 */
export function collectGarbage({ owner, delete: remove }: GarbageRequest): GarbageListing {
  const world = readWorld();
  const referred = readMapContents();
  const found = [...listPins((warning) => world.warnings.push(warning))].flatMap((pin) => judge(pin, world, referred))
    .filter((one) => owner === undefined || one.owner === owner);
  // Another bpf file system may be another node's, or a test's.
  const own = join(ensureBpffs(), 'sluice', '/');
  const items = found.map((one) => ({ ...one, deleted: remove && (owner !== undefined || isGarbageOf(own, one)) }));
  for (const { path, deleted } of items) if (deleted) removePin(path);
  return { items, complete: world.warnings.length === 0, warnings: world.warnings };
}

/** A map that somebody pinned by hand may hold what they want to keep: only those of a load go. */
const isGarbageOf = (own: string, { kind, path }: Garbage): boolean => path.startsWith(kind === 'map' ? `${own}programs/` : own);

function judge(pin: Pin, world: World, referred: ReadonlySet<string>): Garbage[] {
  const described = describePin(pin, world);
  const why = whyGarbage(pin.kind, {
    type: described.type ?? '', held: isHeldAnyhow(pin, world), uses: usesOf(pin, world), inMap: referred.has(`${pin.kind}/${pin.id}`),
  });
  return why === undefined ? [] : [{ ...described, why, deleted: false }];
}

/** By itself, or through one of its links. */
const isHeldAnyhow = ({ kind, id }: Pin, { holders }: World): boolean =>
  isHeld(holders, kind, id) || (kind === 'program' && (holders.links.get(id) ?? []).some((link) => isHeld(holders, 'link', link)));

function usesOf({ kind, id }: Pin, { attachments, holders }: World): { gone: boolean }[] {
  if (kind === 'map') return (holders.programs.get(id) ?? []).map(() => ({ gone: false }));
  return attachments.filter((attachment) => (kind === 'link' ? attachment.linkId : attachment.programId) === id);
}

/** Maps that hold other objects: of what kind, and where in a value its id stands. */
const CONTAINERS: Readonly<Record<string, { kind: 'program' | 'map'; at: number }>> = {
  prog_array: { kind: 'program', at: 0 }, array_of_maps: { kind: 'map', at: 0 }, hash_of_maps: { kind: 'map', at: 0 },
  // struct bpf_devmap_val, struct bpf_cpumap_val: the program comes second, and older ones end before it.
  devmap: { kind: 'program', at: 4 }, devmap_hash: { kind: 'program', at: 4 }, cpumap: { kind: 'program', at: 4 },
};

/** Keys of what such maps hold, `program/412`. */
function readMapContents(): Set<string> {
  const found = new Set<string>();
  for (const { id, type, valueSize } of readAll('map', mapInfo)) {
    const container = CONTAINERS[mapTypeName(type)];
    using fd = container === undefined ? undefined : openById('map', id);
    if (fd === undefined || container === undefined || valueSize < container.at + 4) continue;
    for (const value of valuesOf(BpfMap.adopt(fd))) found.add(`${container.kind}/${value.readUInt32LE(container.at)}`);
  }
  return found;
}

/** As many as the map can have: one that others change meanwhile could begin anew for ever. */
function* valuesOf(map: BpfMap): Generator<Buffer> {
  let key = map.nextKey();
  for (let left = map.spec.maxEntries; key !== undefined && left > 0; left--) {
    const value = map.lookup(key);
    if (value !== undefined) yield value;
    key = map.nextKey(key);
  }
}
