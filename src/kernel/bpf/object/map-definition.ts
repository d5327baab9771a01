/**
 * Maps as C declares them: variables of section `.maps` whose type says everything, in libbpf's way:
 *
 *   __uint(type, N)        int (*type)[N]              a number is the length of an array
 *   __ulong(map_extra, N)  enum { … = N } map_extra    or the value of an enumerator, where it is too large for that
 *   __type(key, T)         typeof(T) *key              a type is what a pointer leads to
 *   __array(values, T)     typeof(T) *values[]         what an array of maps or programs holds
 */

import { Kind, type Btf, type Member } from '../../btf/index.ts';
import { STT_FUNC, STT_OBJECT, type ElfSymbol } from '../../elf/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { possibleCpus } from '../cpus.ts';
import type { MapSpec } from '../map.ts';
import type { ObjectFile } from './object-file.ts';

/** The section with the variables that declare maps. */
export const MAPS = '.maps';

/** Sizes that replace those in the object. */
export interface MapSizes {
  valueSize?: number;
  maxEntries?: number;
}

/** What stands in an array of maps or programs from the start. */
export interface InitialEntry {
  index: number;
  /** The map's or the program's name. */
  name: string;
  kind: 'map' | 'program';
}

/** A map as the object declares it. */
export interface MapDefinition {
  spec: MapSpec;
  /** Type ids in the object's BTF; 0 where only a size is given. */
  keyType: number;
  valueType: number;
  /** Whether programs of other objects are to share it, by its pin of that name (LIBBPF_PIN_BY_NAME). */
  sharedByName: boolean;
  /** What an array or hash of maps holds. */
  inner?: MapDefinition;
  initial: InitialEntry[];
}

const MEMBERS = new Set(['type', 'key', 'value', 'key_size', 'value_size', 'max_entries', 'map_flags', 'map_extra', 'numa_node', 'pinning', 'values']);
/** enum libbpf_pin_type */
const LIBBPF_PIN_BY_NAME = 1;

/** Names of all maps that the object declares, in the order of the section. */
export function declaredMaps(file: ObjectFile): string[] {
  const section = file.sectionNamed(MAPS);
  if (section === undefined) return [];
  const symbols = file.elf.symbols.filter((symbol) => symbol.section === section.index && symbol.type === STT_OBJECT);
  return symbols.toSorted((a, b) => a.value - b.value).map(({ name }) => name);
}

/** Reads the definition of one map. @throws OperationError SL2401 for one that cannot be understood. */
export function readMapDefinition(file: ObjectFile, name: string, sizes: MapSizes = {}): MapDefinition {
  const variable = file.variableTypes(MAPS).get(name);
  if (variable === undefined) throw file.refuse(`map ${name} has no type information`);
  return { ...define(file, name, variable, sizes), initial: initialEntries(file, name, variable) };
}

/** Name of the map at byte `offset` of section `.maps`. @throws OperationError SL2401 where there is none. */
export function mapAt(file: ObjectFile, section: number, offset: number): string {
  const symbol = file.symbolAt(STT_OBJECT, section, offset);
  if (symbol === undefined) throw file.refuse(`no map at .maps+${offset}`);
  return symbol.name;
}

function define(file: ObjectFile, name: string, type: number, sizes: MapSizes, isInner: boolean = false): MapDefinition {
  const { btf } = file;
  const members = new Map(btf.members(btf.resolve(type)).map((member) => [member.name, member]));
  for (const member of members.keys()) if (!MEMBERS.has(member)) throw file.refuse(`map ${name} has '${member}', which is not supported`);
  const number = (key: string): number => Number(numberOf(btf, members.get(key)));
  const pointee = (key: string): number => (members.has(key) ? btf.resolve(members.get(key)!.type).sizeOrType : 0);
  const [keyType, valueType] = [pointee('key'), pointee('value')];
  const values = members.get('values');
  const spec: MapSpec = {
    name,
    type: number('type'),
    keySize: keyType === 0 ? number('key_size') : btf.sizeOf(keyType),
    valueSize: values !== undefined ? 4 : valueType === 0 ? number('value_size') : btf.sizeOf(valueType),
    maxEntries: number('max_entries'),
    flags: number('map_flags') | (members.has('numa_node') ? uapi.BPF_F_NUMA_NODE : 0),
    extra: numberOf(btf, members.get('map_extra')),
    ...(members.has('numa_node') ? { numaNode: number('numa_node') } : {}),
    ...sizes,
  };
  checkNumbers(file, spec, number('pinning'));
  if (isInner && MAPS_OF_MAPS.has(spec.type)) throw file.refuse(`map ${name} holds maps in turn, which the kernel does not take`);
  const inner = values === undefined || !MAPS_OF_MAPS.has(spec.type) ? undefined : define(file, `${name}.inner`, heldType(btf, values), {}, true);
  return {
    spec: withDefaults(spec, keyType !== 0), keyType, valueType, sharedByName: number('pinning') === LIBBPF_PIN_BY_NAME, initial: [],
    ...(inner === undefined ? {} : { inner }),
  };
}

const MAPS_OF_MAPS = new Set<number>([uapi.BPF_MAP_TYPE_ARRAY_OF_MAPS, uapi.BPF_MAP_TYPE_HASH_OF_MAPS]);

function checkNumbers(file: ObjectFile, spec: MapSpec, pinning: number): void {
  if (spec.type === 0) throw file.refuse(`map ${spec.name} has no type`);
  for (const size of [spec.keySize, spec.valueSize, spec.maxEntries, spec.flags])
    if (size > 0xffff_ffff) throw file.refuse(`map ${spec.name} has a size of ${size}`);
  if (pinning > LIBBPF_PIN_BY_NAME) throw file.refuse(`map ${spec.name} has pinning ${pinning}, which is not supported`);
}

function numberOf(btf: Btf, member: Member | undefined): bigint {
  if (member === undefined) return 0n;
  const type = btf.resolve(member.type);
  if (type.kind === Kind.ENUM || type.kind === Kind.ENUM64) return btf.enumerators(type)[0]?.value ?? 0n;
  const array = btf.resolve(type.sizeOrType);
  return array.kind === Kind.ARRAY ? BigInt(btf.array(array).length) : 0n;
}

/** `typeof(T) *values[]` → T */
const heldType = (btf: Btf, { type }: Member): number => btf.resolve(btf.array(btf.resolve(type)).element).sizeOrType;

/** What the kernel wants and nobody writes: whole pages for ring buffers, a slot for each CPU, four bytes for a descriptor. */
function withDefaults(spec: MapSpec, hasKey: boolean): MapSpec {
  switch (spec.type) {
    case uapi.BPF_MAP_TYPE_RINGBUF:
    case uapi.BPF_MAP_TYPE_USER_RINGBUF: return { ...spec, maxEntries: wholePages(spec.maxEntries) };
    case uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY:
      return { ...spec, maxEntries: spec.maxEntries || possibleCpus(), keySize: spec.keySize || 4, valueSize: spec.valueSize || 4 };
    case uapi.BPF_MAP_TYPE_PROG_ARRAY: return { ...spec, keySize: hasKey ? spec.keySize : spec.keySize || 4, valueSize: spec.valueSize || 4 };
    default: return spec;
  }
}

/** A power of two of at least a page. */
function wholePages(bytes: number): number {
  let pages = 4096;
  while (pages < bytes) pages *= 2;
  return pages;
}

/** `.values = { &a, [3] = &b }`: relocations where the pointers would stand. */
function initialEntries(file: ObjectFile, name: string, type: number): InitialEntry[] {
  const variable = file.symbolNamed(name);
  const values = file.btf.members(file.btf.resolve(type)).find((member) => member.name === 'values');
  if (variable === undefined || values === undefined) return [];
  const start = variable.value + values.bitOffset / 8;
  return file.relocations(file.section(variable))
    .filter(({ offset }) => offset >= start && offset < variable.value + variable.size)
    .map(({ offset, symbol }) => ({ index: (offset - start) / 8, ...entryNamed(file, symbol) }));
}

function entryNamed(file: ObjectFile, symbol: ElfSymbol): Omit<InitialEntry, 'index'> {
  const section = file.section(symbol);
  if (section.name === MAPS) return { kind: 'map', name: symbol.name };
  const program = symbol.type === STT_FUNC ? symbol : file.symbolAt(STT_FUNC, symbol.section, symbol.value);
  if (section.executable && program !== undefined) return { kind: 'program', name: program.name };
  throw file.refuse(`a map that holds ${symbol.name} from the start is not supported`);
}
