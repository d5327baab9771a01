import { SluiceError } from '../../../lib/errors.ts';
import { BpfMap, MAP_FLAGS, mapTypeName, objectIds, openById } from '../../../kernel/bpf/index.ts';
import { findMap, ownershipOf, readHolders, type Holders, type Reference } from '../../bpf/index.ts';
import { describeOpen, type OpenMap } from '../open/inspect.ts';
import type { MapDetail, MapSummary } from '../model.ts';
import { describeLayout } from './describe.ts';

/** What of the list is wanted. */
export interface MapFilter {
  types?: readonly string[] | undefined;
  owner?: string | undefined;
  /** Only maps that no process, no program and no pin holds. */
  orphan?: boolean;
}

export interface MapListing {
  items: readonly MapSummary[];
  complete: boolean;
  warnings: readonly string[];
}

/** All maps of the machine. @throws SyscallError EPERM without CAP_SYS_ADMIN */
export function listMaps({ types, owner, orphan = false }: MapFilter = {}): MapListing {
  const holders = readHolders();
  const items = [...readMaps(holders)].filter((map) =>
    (types === undefined || types.includes(map.type)) && (owner === undefined || map.owner === owner || map.processes.some(({ pid, name }) => String(pid) === owner || name === owner)) &&
    (!orphan || (map.processes.length === 0 && map.pins.length === 0)));
  return { items, complete: holders.warnings.length === 0, warnings: holders.warnings };
}

/** Those that end meanwhile are left out. */
function* readMaps(holders: Holders): Generator<MapSummary> {
  for (const id of objectIds('map')) {
    const fd = openById('map', id);
    if (fd === undefined) continue;
    using map = BpfMap.adopt(fd);
    yield summarize(map, holders);
  }
}

function summarize(map: BpfMap, holders: Holders): MapSummary {
  const { id, name, type, keySize, valueSize, maxEntries, flags, btfId } = map.info();
  const { owner, pins, processes } = ownershipOf(holders, 'map', id, name);
  return {
    id, name, type: mapTypeName(type), keySize, valueSize, maxEntries, flags: flagNames(flags), memoryBytes: map.memoryBytes(), frozen: map.isFrozen(), btfId, pins, processes,
    programIds: holders.programs.get(id) ?? [], ...(owner === undefined ? {} : { owner }),
  };
}

/** Bits without a name are given as a number. */
function flagNames(flags: number): string[] {
  const known = [...MAP_FLAGS].filter(([, bit]) => (flags & bit) !== 0);
  const rest = known.reduce((left, [, bit]) => left & ~bit, flags) >>> 0;
  return [...known.map(([name]) => name), ...(rest === 0 ? [] : [`0x${rest.toString(16)}`])];
}

/** One map with its types and how many entries it has. @throws like `findMap` */
export function getMap(reference: Reference): MapDetail {
  using map = findMap(reference);
  const open = describeOpen(map, { formats: new Map(), guess: true });
  const entries = countEntries(open);
  return {
    ...summarize(map, readHolders()), refuses: open.traits.refuses, valueType: describeLayout(open.layout.value),
    ...(open.layout.key === undefined ? {} : { keyType: describeLayout(open.layout.key) }), ...(entries === undefined ? {} : { entries }),
  };
}

/** Most entries that are counted: a million takes a third of a second. */
const MOST_COUNTED = 4_000_000;

function countEntries({ map, info, traits }: OpenMap): number | undefined {
  if (traits.refuses.dump !== undefined || info.maxEntries > MOST_COUNTED) return undefined;
  try {
    let count = 0;
    for (const chunk of map.chunks(4096)) count += chunk.count;
    return count;
  } catch (error) {
    // What cannot be read cannot be counted; a lookup says why.
    if (error instanceof SluiceError) return undefined;
    throw error;
  }
}
