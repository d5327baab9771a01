/**
 * Maps as C declares them: variables of section `.maps` whose type says everything, in libbpf's way:
 *
 *   __uint(type, N)        int (*type)[N]              a number is the length of an array
 *   __type(key, T)         typeof(T) *key              a type is what a pointer leads to
 *   __array(values, T)     typeof(T) *values[]         what an array of maps holds
 */

import { Kind, type Btf, type Member } from '../../btf/index.ts';
import { STT_OBJECT, type ElfSymbol } from '../../elf/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import type { MapSpec } from '../map.ts';
import type { ObjectFile } from './object-file.ts';

/** Sizes that replace those in the object. */
export interface MapSizes {
  valueSize?: number;
  maxEntries?: number;
}

export interface MapDefinition {
  spec: MapSpec;
  /** Type ids in the object's BTF; 0 where only a size is given. */
  keyType: number;
  valueType: number;
  /** What an array or hash of maps holds. */
  inner?: MapDefinition;
  /** Names of the maps that are in it from the start, by index. */
  initial: Map<number, string>;
}

const MEMBERS = new Set(['type', 'key', 'value', 'key_size', 'value_size', 'max_entries', 'map_flags', 'map_extra', 'values']);

/** Reads the definition of one map. @throws OperationError SL2401 for one that cannot be understood. */
export function readMapDefinition(file: ObjectFile, name: string, sizes: MapSizes = {}): MapDefinition {
  const [variable] = file.btf.find(name, Kind.VAR);
  if (variable === undefined) throw file.refuse(`map ${name} has no type information`);
  const type = file.btf.type(variable).sizeOrType;
  return { ...define(file, name, type, sizes), initial: initialMaps(file, name, type) };
}

/** Name of the map at byte `offset` of section `.maps`. @throws OperationError SL2401 where there is none. */
export function mapAt(file: ObjectFile, section: number, offset: number): string {
  const symbol = file.elf.symbols.find((candidate) => candidate.section === section && candidate.type === STT_OBJECT && candidate.value === offset);
  if (symbol === undefined) throw file.refuse(`no map at .maps+${offset}`);
  return symbol.name;
}

function define(file: ObjectFile, name: string, type: number, sizes: MapSizes): MapDefinition {
  const { btf } = file;
  const members = new Map(btf.members(btf.resolve(type)).map((member) => [member.name, member]));
  for (const member of members.keys()) if (!MEMBERS.has(member)) throw file.refuse(`map ${name} has '${member}', which is not supported`);
  const number = (key: string): number => numberOf(btf, members.get(key));
  const pointee = (key: string): number => (members.has(key) ? btf.resolve(members.get(key)!.type).sizeOrType : 0);
  const [keyType, valueType] = [pointee('key'), pointee('value')];
  const values = members.get('values');
  const spec: MapSpec = {
    name,
    type: number('type'),
    keySize: keyType === 0 ? number('key_size') : btf.sizeOf(keyType),
    valueSize: values !== undefined ? 4 : valueType === 0 ? number('value_size') : btf.sizeOf(valueType),
    maxEntries: number('max_entries'),
    flags: number('map_flags'),
    extra: BigInt(number('map_extra')),
    ...sizes,
  };
  for (const size of [spec.keySize, spec.valueSize, spec.maxEntries])
    if (size > 0xffff_ffff) throw file.refuse(`map ${name} has a size of ${size}`);
  const inner = values === undefined ? undefined : define(file, `${name}.inner`, heldType(btf, values), {});
  return { spec: withDefaults(spec), keyType, valueType, initial: new Map(), ...(inner === undefined ? {} : { inner }) };
}

function numberOf(btf: Btf, member: Member | undefined): number {
  if (member === undefined) return 0;
  const array = btf.resolve(btf.resolve(member.type).sizeOrType);
  return array.kind === Kind.ARRAY ? btf.array(array).length : 0;
}

/** `typeof(T) *values[]` → T */
const heldType = (btf: Btf, { type }: Member): number => btf.resolve(btf.array(btf.resolve(type)).element).sizeOrType;

/** The kernel wants whole pages for a ring buffer, in a power of two. */
function withDefaults(spec: MapSpec): MapSpec {
  if (spec.type !== uapi.BPF_MAP_TYPE_RINGBUF) return spec;
  let bytes = 4096;
  while (bytes < spec.maxEntries) bytes *= 2;
  return { ...spec, maxEntries: bytes };
}

/** `.values = { &a, [3] = &b }`: relocations where the pointers would stand. */
function initialMaps(file: ObjectFile, name: string, type: number): Map<number, string> {
  const variable = file.elf.symbols.find((symbol) => symbol.name === name && symbol.type === STT_OBJECT);
  const values = file.btf.members(file.btf.resolve(type)).find((member) => member.name === 'values');
  if (variable === undefined || values === undefined) return new Map();
  const start = variable.value + values.bitOffset / 8;
  return new Map(
    file.relocations(file.section(variable))
      .filter(({ offset }) => offset >= start && offset < variable.value + variable.size)
      .map(({ offset, symbol }) => [(offset - start) / 8, mapNamed(file, symbol)]),
  );
}

function mapNamed(file: ObjectFile, symbol: ElfSymbol): string {
  if (file.section(symbol).name !== '.maps') throw file.refuse(`a map that holds ${symbol.name} from the start is not supported`);
  return symbol.name;
}
