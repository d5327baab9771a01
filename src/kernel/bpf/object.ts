/**
 * Loads compiled BPF objects, as libbpf does for C programs.
 *
 *   file (ELF, BTF)  →  assemble (functions together, kernel types and names resolved)  →  maps made  →  programs verified
 */

import { OperationError, SyscallError } from '../../lib/errors.ts';
import type { ElfSymbol, Section } from '../elf/index.ts';
import type { Fd } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { BpfMap, indexKey, type MapSpec } from './map.ts';
import { Assembler, type Assembled } from './object/assemble.ts';
import { dataContent, dataSpec, findConstant, isReadOnly, type Constant } from './object/data-section.ts';
import { readMapDefinition, type MapDefinition, type MapSizes } from './object/map-definition.ts';
import { ObjectFile } from './object/object-file.ts';
import { loadProgramBtf } from './object/program-btf.ts';
import { PROGRAM_TYPES, type ProgramType } from './object/program-type.ts';
import { BpfProgram } from './program.ts';

export interface LoadOptions {
  /** Programs to load, by function name. @default all */
  programs?: readonly string[];
  /** Maps to use instead of making new ones, by name. The caller keeps ownership. */
  maps?: Readonly<Record<string, BpfMap>>;
  /** Sizes of maps that differ from those in the object. */
  sizes?: Readonly<Record<string, MapSizes>>;
  /** Values of `const volatile` variables. */
  constants?: Readonly<Record<string, Constant>>;
}

/** What was loaded; `close` gives everything back that this load made. */
export interface LoadedObject {
  /** @throws OperationError SL2401 for one that was not loaded. */
  program(name: string): BpfProgram;
  /** A map that a loaded program refers to; others are not made. `.rodata`, `.data` and `.bss` are maps of that name. */
  map(name: string): BpfMap;
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * Loads programs of an object file and the maps that they use.
 *
 * @param source names the file in errors
 * @throws OperationError SL2401…SL2405 when the object cannot be used; VerifierError when the kernel refuses a program;
 *   UnsupportedError SL2403 without kernel BTF; SyscallError for the rest. Nothing stays behind then.
 */
export function loadObject(bytes: Buffer, source: string, options: LoadOptions = {}): LoadedObject {
  const loader = new ObjectLoader(new ObjectFile(bytes, source), options);
  try {
    return loader.load();
  } catch (error) {
    loader.close();
    throw error;
  }
}

class ObjectLoader {
  readonly #file: ObjectFile;
  readonly #options: LoadOptions;
  readonly #assembler: Assembler;
  readonly #maps = new Map<string, BpfMap>();
  readonly #programs = new Map<string, BpfProgram>();
  readonly #owned: { close(): void }[] = [];
  #btf: Fd | undefined;

  constructor(file: ObjectFile, options: LoadOptions) {
    this.#file = file;
    this.#options = options;
    this.#assembler = new Assembler(file);
    for (const name of Object.keys(options.constants ?? {})) findConstant(file, name);
  }

  load(): LoadedObject {
    const programs = this.#selected().map((symbol) => ({ symbol, kind: this.#typeOf(symbol), assembled: this.#assembler.assemble(symbol) }));
    this.#btf = loadProgramBtf(this.#file.btf);
    for (const { symbol, kind, assembled } of programs) this.#loadProgram(symbol.name, kind, assembled);
    this.#btf.close();
    return {
      program: (name) => this.#named(this.#programs, name, 'program'),
      map: (name) => this.#named(this.#maps, name, 'map'),
      close: () => this.close(),
      [Symbol.dispose]: () => this.close(),
    };
  }

  close(): void {
    this.#btf?.close();
    for (const owned of this.#owned) owned.close();
  }

  #selected(): ElfSymbol[] {
    const all = this.#file.programs;
    return (this.#options.programs ?? all.map(({ name }) => name)).map((name) => {
      const found = all.find((symbol) => symbol.name === name);
      if (found === undefined) throw this.#file.refuse(`no program ${name}`);
      return found;
    });
  }

  #typeOf(symbol: ElfSymbol): ProgramType {
    const { name } = this.#file.section(symbol);
    const kind = PROGRAM_TYPES[name];
    if (kind === undefined) throw this.#file.refuse(`program ${symbol.name} is in section ${name}, whose type is not known`);
    return kind;
  }

  #loadProgram(name: string, kind: ProgramType, { instructions, maps, functionInfo, lineInfo }: Assembled): void {
    for (const { at, map, offset } of maps) {
      const { fd } = this.#mapNamed(map);
      instructions[at + 1] = (instructions[at + 1]! & 15) | ((offset === undefined ? uapi.BPF_PSEUDO_MAP_FD : uapi.BPF_PSEUDO_MAP_VALUE) << 4);
      instructions.writeInt32LE(fd.number, at + 4);
      instructions.writeInt32LE(offset ?? 0, at + 12);
    }
    const btf = { fd: this.#btf!, functionInfo, lineInfo };
    const program = BpfProgram.load({ name, ...kind, instructions, license: this.#file.license, btf });
    this.#owned.push(program);
    this.#programs.set(name, program);
  }

  #mapNamed(name: string): BpfMap {
    const map = this.#maps.get(name) ?? this.#open(name);
    this.#maps.set(name, map);
    return map;
  }

  #open(name: string): BpfMap {
    const section = this.#file.elf.sections.find((candidate) => candidate.name === name);
    if (section !== undefined) return this.#openData(section);
    const definition = readMapDefinition(this.#file, name, this.#options.sizes?.[name]);
    return this.#given(definition.spec) ?? this.#create(definition);
  }

  #openData(section: Section): BpfMap {
    const spec = dataSpec(this.#file, section);
    const given = this.#given(spec);
    if (given !== undefined) return given;
    const map = this.#own(BpfMap.create(spec));
    map.update(indexKey(0), dataContent(this.#file, section, this.#options.constants ?? {}));
    if (isReadOnly(section)) map.freeze();
    return map;
  }

  /** A map from the caller, which must be like the one that the object declares. */
  #given(spec: MapSpec): BpfMap | undefined {
    const map = this.#options.maps?.[spec.name];
    if (map === undefined) return undefined;
    for (const key of ['type', 'keySize', 'valueSize', 'maxEntries'] as const)
      if (map.spec[key] !== spec[key]) throw this.#file.refuse(`map ${spec.name} has ${key} ${spec[key]}; the one given has ${map.spec[key]}`);
    return map;
  }

  #create(definition: MapDefinition): BpfMap {
    const { spec, inner, initial } = definition;
    const map = this.#own(inner === undefined ? this.#createTyped(definition) : this.#createOuter(spec, inner));
    for (const [index, name] of initial) map.update(indexKey(index), indexKey(this.#mapNamed(name).fd.number));
    return map;
  }

  /** With its types, so that others can print what it holds; without them where the map's type takes none. */
  #createTyped({ spec, keyType, valueType }: MapDefinition): BpfMap {
    try {
      return BpfMap.create(spec, { types: { fd: this.#btf!, key: keyType, value: valueType } });
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      return BpfMap.create(spec);
    }
  }

  /** The kernel wants to see one map of the kind that goes in, and keeps nothing of it but its shape. */
  #createOuter(spec: MapSpec, inner: MapDefinition): BpfMap {
    using template = this.#createTyped(inner);
    return BpfMap.create(spec, { inner: template });
  }

  #own(map: BpfMap): BpfMap {
    this.#owned.push(map);
    return map;
  }

  #named<T>(table: ReadonlyMap<string, T>, name: string, what: string): T {
    const found = table.get(name);
    if (found === undefined) throw new OperationError(`${this.#file.source}: no ${what} ${name} was loaded`, { code: 'SL2401' });
    return found;
  }
}
