import { findMap, type Reference } from '../../bpf/index.ts';
import { type BpfMap, mapTypeName, parseBtf, possibleCpus, readBtfObject, type MapInfo } from '../../../kernel/bpf/index.ts';
import { type Btf, kernelBtf } from '../../../kernel/btf/index.ts';
import { bpf as uapi } from '../../../kernel/uapi/index.ts';
import { applyHints, asPrefix, formatLayout, type Hints, parseHints } from '../layout/hints.ts';
import { layoutOfType } from '../layout/inspect.ts';
import { intLayout, plainLayout, type Layout } from '../layout/layout.ts';
import type { RefusingMap } from '../refuse.ts';
import { traitsOf, type MapTypeTraits, type ValueKind } from '../types.ts';
import type { EntryLayout } from '../write/compile.ts';

/** An open map with what its bytes mean; whoever opened it closes it. */
export interface OpenMap {
  map: BpfMap;
  info: MapInfo;
  /** As users call it: its name, or its id where it has none. */
  name: string;
  type: string;
  traits: MapTypeTraits;
  layout: EntryLayout;
}

/** Opens the map that a reference means. @throws like `findMap`; UsageError SL2602 for hints that do not fit */
export function openMap(reference: Reference, hints?: string): OpenMap {
  const parsed = parseHints(hints);
  const map = findMap(reference);
  try {
    return describeOpen(map, parsed);
  } catch (error) {
    map.close();
    throw error;
  }
}

/** What is to be known of an open map. */
export function describeOpen(map: BpfMap, hints: Hints): OpenMap {
  const info = map.info();
  const type = mapTypeName(info.type);
  const traits = traitsOf(type);
  return { map, info, type, traits, name: info.name === '' ? `id ${info.id}` : info.name, layout: layoutOf(info, type, traits, hints) };
}

function layoutOf(info: MapInfo, type: string, traits: MapTypeTraits, hints: Hints): EntryLayout {
  const btf = typesOf(info);
  const typed = (id: number, size: number): Layout => fitted(btf === undefined || id === 0 ? undefined : layoutOfType(btf, id, { hints: hints.guess }), size);
  const key = typed(info.keyType, info.keySize);
  const untyped = plainValue(traits.value, info.valueSize);
  const value = untyped !== undefined && (btf === undefined || info.valueType === 0) ? untyped : info.kernelValueType !== 0 ? fitted(layoutOfType(kernelBtf(), info.kernelValueType, { hints: hints.guess }), info.valueSize) : typed(info.valueType, info.valueSize);
  return {
    key: traits.key === 'none' || info.keySize === 0 ? undefined : applyHints(type === 'lpm_trie' && hints.guess ? asPrefix(key) : key, 'key', hints),
    value: applyHints(value, 'value', hints),
    perCpu: traits.perCpu ? { count: possibleCpus(), stride: Math.ceil(info.valueSize / 8) * 8 } : undefined,
  };
}

/** What the kernel puts into values of some types, whether the map has type information or not. */
function plainValue(kind: ValueKind, size: number): Layout | undefined {
  if (kind === 'stack') return formatLayout(0, size, 'pointer');
  if (size !== 8 || (kind !== 'device' && kind !== 'cpu-queue')) return undefined;
  const number = (at: number): Layout => intLayout(at, 4);
  return { kind: 'struct', at: 0, size, members: [{ name: kind === 'device' ? 'ifindex' : 'qsize', layout: number(0) }, { name: 'prog_id', layout: number(4) }] };
}

/** Types that do not have the size which the map says are not those of its bytes. */
const fitted = (layout: Layout | undefined, size: number): Layout => (layout?.size === size ? layout : plainLayout(size));

/** The types that the map was made with; undefined where there are none, or the kernel does not hand them out. */
function typesOf({ btfId }: MapInfo): Btf | undefined {
  const object = btfId === 0 ? undefined : readBtfObject(btfId);
  return object === undefined ? undefined : parseBtf(object);
}

/** What a refusal is explained with. */
export const refusing = ({ map, info, name, type }: OpenMap): RefusingMap => ({
  name, type, maxEntries: info.maxEntries, frozen: map.isFrozen(), readOnly: (info.flags & uapi.BPF_F_RDONLY) !== 0,
});

