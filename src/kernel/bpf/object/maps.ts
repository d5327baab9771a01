/** The maps of one object, made when a program first refers to them. */

import { OperationError, SyscallError } from '../../../lib/errors.ts';
import { Kind } from '../../btf/index.ts';
import type { Section } from '../../elf/index.ts';
import type { Fd, Mapping } from '../../syscalls/index.ts';
import { mapShared } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { BpfMap, indexKey, type MapSpec } from '../map.ts';
import { dataContent, dataMapName, dataSpec, isData, isReadOnly, type Constant } from './data-section.ts';
import { KCONFIG, kconfigContent, kconfigSize, type KconfigVariable } from './kconfig.ts';
import { readMapDefinition, type InitialEntry, type MapDefinition, type MapSizes } from './map-definition.ts';
import type { ObjectFile } from './object-file.ts';

/** What a caller may say about an object's maps. */
export interface MapOptions {
  /** Maps to use instead of making new ones, by name. The caller keeps ownership. */
  maps?: Readonly<Record<string, BpfMap>>;
  /** Sizes of maps that differ from those in the object. */
  sizes?: Readonly<Record<string, MapSizes>>;
  /** Values of `const volatile` variables. */
  constants?: Readonly<Record<string, Constant>>;
}

/** A place in an array of programs that the object says who is in. */
export interface ProgramEntry extends InitialEntry {
  map: BpfMap;
}

const ARENA_PAGE = 4096;

/** Makes the maps of one object, or takes those that are given; `close` closes what it made. */
export class ObjectMaps {
  readonly #file: ObjectFile;
  readonly #options: MapOptions;
  readonly #kconfig: readonly KconfigVariable[];
  readonly #btf: Fd;
  readonly #maps = new Map<string, BpfMap>();
  readonly #owned: BpfMap[] = [];
  readonly #mappings: Mapping[] = [];
  /** What `link` will put into arrays of programs. */
  readonly programs: ProgramEntry[] = [];

  constructor(file: ObjectFile, options: MapOptions, kconfig: readonly KconfigVariable[], btf: Fd) {
    this.#file = file;
    this.#options = options;
    this.#kconfig = kconfig;
    this.#btf = btf;
  }

  /** All that were made or given, by their name in the object: `.rodata`, `.data` and `.bss` are maps of that name. */
  get all(): ReadonlyMap<string, BpfMap> {
    return this.#maps;
  }

  /** @throws OperationError SL2401 for one that cannot be understood; SyscallError where the kernel does not make it. */
  get(name: string): BpfMap {
    const map = this.#maps.get(name) ?? this.#open(name);
    this.#maps.set(name, map);
    return map;
  }

  close(): void {
    for (const mapping of this.#mappings) mapping.unmap();
    for (const map of this.#owned) map.close();
  }

  #open(name: string): BpfMap {
    if (name === KCONFIG) return this.#openKconfig();
    const section = this.#file.sectionNamed(name);
    if (section !== undefined && isData(section)) return this.#openData(section);
    const definition = readMapDefinition(this.#file, name, this.#options.sizes?.[name]);
    return this.#given(name, definition.spec) ?? this.#create(definition);
  }

  #openData(section: Section): BpfMap {
    const spec = dataSpec(this.#file, section);
    return this.#given(section.name, spec) ?? this.#createData(section.name, spec, dataContent(this.#file, section, this.#options.constants ?? {}), isReadOnly(section));
  }

  #openKconfig(): BpfMap {
    const spec: MapSpec = {
      name: dataMapName(this.#file, KCONFIG), type: uapi.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: kconfigSize(this.#kconfig), maxEntries: 1,
      flags: uapi.BPF_F_MMAPABLE | uapi.BPF_F_RDONLY_PROG,
    };
    return this.#createData(KCONFIG, spec, kconfigContent(this.#file, this.#kconfig), true);
  }

  #createData(section: string, spec: MapSpec, content: Buffer, readOnly: boolean): BpfMap {
    const [type = 0] = this.#file.btf.find(section, Kind.DATASEC);
    const map = this.#createTyped({ spec, keyType: 0, valueType: type });
    map.update(indexKey(0), content);
    if (readOnly) map.freeze();
    return map;
  }

  /** A map from the caller, which must be like the one that the object declares. */
  #given(name: string, spec: MapSpec): BpfMap | undefined {
    const map = this.#options.maps?.[name];
    if (map === undefined) return undefined;
    checkSame(this.#file, name, spec, map.spec);
    return map;
  }

  #create(definition: MapDefinition): BpfMap {
    const { spec, inner, initial } = definition;
    const map = inner === undefined ? this.#createTyped(definition) : this.#createOuter(spec, inner);
    if (spec.type === uapi.BPF_MAP_TYPE_ARENA && (spec.extra ?? 0n) === 0n) this.#mapArena(map);
    for (const entry of initial)
      if (entry.kind === 'program') this.programs.push({ ...entry, map });
      else map.update(indexKey(entry.index), indexKey(this.get(entry.name).fd.number));
    return map;
  }

  /** The verifier wants to know where in user space an arena lies, which is settled by mapping it. */
  #mapArena({ fd, spec }: BpfMap): void {
    this.#mappings.push(mapShared(fd, spec.maxEntries * ARENA_PAGE, { writable: true }));
  }

  /** With its types, so that others can print what it holds; without them where the map's type takes none. */
  #createTyped(definition: Pick<MapDefinition, 'spec' | 'keyType' | 'valueType'>): BpfMap {
    const map = createTyped(this.#file, definition, this.#btf);
    this.#owned.push(map);
    return map;
  }

  /** The kernel wants to see one map of the kind that goes in, and keeps nothing of it but its shape. */
  #createOuter(spec: MapSpec, inner: MapDefinition): BpfMap {
    using template = createTyped(this.#file, inner, this.#btf);
    const map = BpfMap.create(spec, { inner: template });
    this.#owned.push(map);
    return map;
  }
}

/**
 * Map types that take no types of keys and values. The kernel would say so only once it has made the map, and wait for all
 * of its readers before it gives that one up.
 */
const UNTYPED = new Set<number>([
  uapi.BPF_MAP_TYPE_PERF_EVENT_ARRAY, uapi.BPF_MAP_TYPE_CGROUP_ARRAY, uapi.BPF_MAP_TYPE_STACK_TRACE, uapi.BPF_MAP_TYPE_DEVMAP, uapi.BPF_MAP_TYPE_DEVMAP_HASH,
  uapi.BPF_MAP_TYPE_CPUMAP, uapi.BPF_MAP_TYPE_XSKMAP, uapi.BPF_MAP_TYPE_SOCKMAP, uapi.BPF_MAP_TYPE_SOCKHASH, uapi.BPF_MAP_TYPE_QUEUE, uapi.BPF_MAP_TYPE_STACK,
  uapi.BPF_MAP_TYPE_ARENA,
]);

function createTyped(file: ObjectFile, { spec, keyType, valueType }: Pick<MapDefinition, 'spec' | 'keyType' | 'valueType'>, btf: Fd): BpfMap {
  if (UNTYPED.has(spec.type)) return createUntyped(file, spec);
  try {
    return BpfMap.create(spec, { types: { fd: btf, key: keyType, value: valueType } });
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    return createUntyped(file, spec);
  }
}

/** @throws OperationError SL2408 when no file can be opened for it. */
function createUntyped(file: ObjectFile, spec: MapSpec): BpfMap {
  try {
    return BpfMap.create(spec);
  } catch (error) {
    if (!(error instanceof SyscallError) || (error.errnoName !== 'EMFILE' && error.errnoName !== 'ENFILE')) throw error;
    throw new OperationError(`${file.source}: too many maps: this process may not open more files`, {
      code: 'SL2408', causes: [error.message], hints: ['load fewer programs: --prog NAME', 'raise the limit: ulimit -n'], cause: error,
    });
  }
}

/** @throws OperationError SL2409 with every difference. */
function checkSame(file: ObjectFile, name: string, wanted: MapSpec, given: MapSpec): void {
  const differences = (['type', 'keySize', 'valueSize', 'maxEntries', 'flags', 'extra'] as const)
    .filter((key) => comparable(key, wanted) !== comparable(key, given))
    .map((key) => `${key} ${wanted[key] ?? 0}; the one given has ${given[key] ?? 0}`);
  if (differences.length === 0) return;
  throw new OperationError(`${file.source}: map ${name} has ${differences[0]}`, {
    code: 'SL2409', reason: 'usage', causes: differences.slice(1).map((difference) => `and ${difference}`),
  });
}

/** The kernel itself makes device maps read-only to programs. */
function comparable(key: keyof MapSpec, spec: MapSpec): number | bigint | string {
  const isDevices = spec.type === uapi.BPF_MAP_TYPE_DEVMAP || spec.type === uapi.BPF_MAP_TYPE_DEVMAP_HASH;
  return key === 'flags' && isDevices ? spec.flags & ~uapi.BPF_F_RDONLY_PROG : BigInt(spec[key] ?? 0);
}
