/**
 * Loads compiled BPF objects: makes their maps, fixes up their instructions, verifies their programs.
 *
 * What libbpf does for C programs, for the features that the objects in `bpf/` use.
 */

import { OperationError } from '../../lib/errors.ts';
import { Btf, Kind, kernelBtf, readExtensions, type Extensions } from '../btf/index.ts';
import { readElf, type Elf, type ElfSymbol, type Section } from '../elf/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { relocate } from './core-relocation.ts';
import { BpfMap, indexKey, type MapSpec } from './map.ts';
import { BpfProgram } from './program.ts';
import { loadProgramBtf } from './program-btf.ts';
import type { Fd } from '../syscalls/index.ts';

export interface LoadOptions {
  /** Programs to load, by function name; the others are left alone. */
  programs: readonly string[];
  /** Maps to use instead of making new ones, by name. The caller keeps ownership. */
  maps?: Readonly<Record<string, BpfMap>>;
  /** Sizes that differ from those in the object. */
  sizes?: Readonly<Record<string, { valueSize?: number; maxEntries?: number }>>;
  /** Values of 32-bit `const volatile` variables. */
  constants?: Readonly<Record<string, number>>;
}

/** What was loaded; `close` gives everything back that this load made. */
export interface LoadedObject {
  program(name: string): BpfProgram;
  map(name: string): BpfMap;
  close(): void;
}

const R_BPF_64_64 = 1;
const R_BPF_64_32 = 10;
const STT_SECTION = 3;
const CALL = 0x85;
const LOAD_IMM64 = 0x18;

/** Program and attach type by section name. */
const SECTION_TYPES: Readonly<Record<string, { type: number; attach: number }>> = {
  netfilter: { type: uapi.BPF_PROG_TYPE_NETFILTER, attach: uapi.BPF_NETFILTER },
  socket: { type: uapi.BPF_PROG_TYPE_SOCKET_FILTER, attach: 0 },
  xdp: { type: uapi.BPF_PROG_TYPE_XDP, attach: 0 },
  tc: { type: uapi.BPF_PROG_TYPE_SCHED_CLS, attach: 0 },
};

/**
 * Loads programs of an object file.
 *
 * @throws OperationError SL2401…SL2405 when the object cannot be used; VerifierError when the kernel refuses a program;
 *   UnsupportedError without kernel BTF. Nothing stays behind then.
 */
export function loadObject(bytes: Buffer, source: string, options: LoadOptions): LoadedObject {
  const loader = new ObjectLoader(bytes, source, options);
  try {
    return loader.load();
  } catch (error) {
    loader.close();
    throw error;
  }
}

/** A function's instructions with where they came from, so that relocations and lines can follow. */
interface Placed {
  symbol: ElfSymbol;
  section: Section;
  /** First instruction in the program. */
  at: number;
}

class ObjectLoader {
  readonly #source: string;
  readonly #options: LoadOptions;
  readonly #elf: Elf;
  readonly #btf: Btf;
  readonly #extensions: Extensions;
  readonly #maps = new Map<string, BpfMap>();
  readonly #owned: { close(): void }[] = [];
  readonly #programs = new Map<string, BpfProgram>();
  #btfFd: Fd | undefined;

  constructor(bytes: Buffer, source: string, options: LoadOptions) {
    this.#source = source;
    this.#options = options;
    this.#elf = readElf(bytes, source);
    this.#btf = new Btf(this.#section('.BTF').data, source);
    this.#extensions = readExtensions(this.#elf.sections.find(({ name }) => name === '.BTF.ext')?.data ?? Buffer.alloc(0), this.#btf);
  }

  load(): LoadedObject {
    this.#btfFd = loadProgramBtf(this.#btf);
    for (const name of this.#options.programs) this.#programs.set(name, this.#loadProgram(name));
    this.#btfFd.close();
    return {
      program: (name) => this.#named(this.#programs, name, 'program'),
      map: (name) => this.#named(this.#maps, name, 'map'),
      close: () => this.close(),
    };
  }

  close(): void {
    this.#btfFd?.close();
    for (const owned of this.#owned) owned.close();
  }

  #loadProgram(name: string): BpfProgram {
    const symbol = this.#elf.symbols.find((candidate) => candidate.type === 2 && candidate.name === name);
    if (symbol === undefined) throw this.#refuse(`no program ${name}`);
    const section = this.#elf.sections[symbol.section]!;
    const kind = SECTION_TYPES[section.name];
    if (kind === undefined) throw this.#refuse(`program ${name} is in section ${section.name}, whose type is not known`);
    const { instructions, placed } = this.#assemble(symbol);
    const program = BpfProgram.load({
      name, instructions, type: kind.type, expectedAttachType: kind.attach, license: this.#license(),
      btf: { fd: this.#btfFd!, functionInfo: this.#functionInfo(placed), lineInfo: this.#lineInfo(placed) },
    });
    this.#owned.push(program);
    return program;
  }

  /** The program's function followed by every function it calls, with all references resolved. */
  #assemble(symbol: ElfSymbol): { instructions: Buffer; placed: Placed[] } {
    const placed = [this.#place(symbol, 0)];
    const parts: Buffer[] = [];
    for (let i = 0; i < placed.length; i++) {
      const { symbol: current, section } = placed[i]!;
      const code = Buffer.from(section.data.subarray(current.value, current.value + current.size));
      this.#relocateCore(code, placed[i]!);
      this.#relocateElf(code, placed[i]!, placed);
      parts.push(code);
    }
    return { instructions: Buffer.concat(parts), placed };
  }

  #place(symbol: ElfSymbol, at: number): Placed {
    return { symbol, section: this.#elf.sections[symbol.section]!, at };
  }

  #relocateElf(code: Buffer, { symbol, section, at }: Placed, placed: Placed[]): void {
    for (const relocation of this.#elf.relocations.get(this.#elf.sections.indexOf(section)) ?? []) {
      const offset = relocation.offset - symbol.value;
      if (offset < 0 || offset >= symbol.size) continue;
      if (relocation.type === R_BPF_64_64) this.#referToMap(code, offset, relocation.symbol);
      else if (relocation.type === R_BPF_64_32) this.#referToFunction(code, offset, relocation.symbol, at, placed);
      else throw this.#refuse(`relocation type ${relocation.type}`);
    }
    this.#checkLocalCalls(code, symbol);
  }

  /** A call inside one section needs no relocation in some objects; ours always have one. */
  #checkLocalCalls(code: Buffer, { name }: ElfSymbol): void {
    for (let at = 0; at < code.length; at += code[at] === LOAD_IMM64 ? 16 : 8)
      if (code[at] === CALL && code[at + 1]! >> 4 === uapi.BPF_PSEUDO_CALL && code.readInt32LE(at + 4) === -1)
        throw this.#refuse(`${name} has an unresolved call`);
  }

  #referToMap(code: Buffer, offset: number, symbol: ElfSymbol): void {
    const section = this.#elf.sections[symbol.section];
    if (code[offset] !== LOAD_IMM64 || section === undefined) throw this.#refuse(`reference to ${symbol.name}`);
    const isData = section.name !== '.maps';
    const map = isData ? this.#dataMap(section) : this.#definedMap(symbol.name);
    code[offset + 1] = (code[offset + 1]! & 15) | ((isData ? uapi.BPF_PSEUDO_MAP_VALUE : uapi.BPF_PSEUDO_MAP_FD) << 4);
    if (isData) code.writeUInt32LE(symbol.type === STT_SECTION ? code.readUInt32LE(offset + 4) : symbol.value, offset + 12);
    code.writeUInt32LE(map.fd.number, offset + 4);
  }

  #referToFunction(code: Buffer, offset: number, symbol: ElfSymbol, at: number, placed: Placed[]): void {
    if (symbol.section === 0) return this.#callKernel(code, offset, symbol);
    const section = this.#elf.sections[symbol.section]!;
    const value = symbol.type === STT_SECTION ? (code.readInt32LE(offset + 4) + 1) * 8 : symbol.value;
    const target = this.#elf.symbols.find((other) => other.type === 2 && other.section === symbol.section && other.value === value);
    if (target === undefined) throw this.#refuse(`call into ${section.name}+${value}`);
    let callee = placed.find((other) => other.symbol === target);
    if (callee === undefined) {
      const last = placed.at(-1)!;
      callee = this.#place(target, last.at + last.symbol.size / 8);
      placed.push(callee);
    }
    code[offset + 1] = (code[offset + 1]! & 15) | (uapi.BPF_PSEUDO_CALL << 4);
    code.writeInt32LE(callee.at - (at + offset / 8) - 1, offset + 4);
  }

  #callKernel(code: Buffer, offset: number, { name, binding }: ElfSymbol): void {
    const [id] = kernelBtf().find(name, Kind.FUNC);
    if (id === undefined && binding !== 2)
      throw new OperationError(`${this.#source}: this kernel has no function ${name}`, { code: 'SL2405', reason: 'unsupported' });
    code[offset + 1] = (code[offset + 1]! & 15) | (uapi.BPF_PSEUDO_KFUNC_CALL << 4);
    code.writeInt16LE(0, offset + 2);
    code.writeInt32LE(id ?? 0, offset + 4);
  }

  #relocateCore(code: Buffer, { symbol, section }: Placed): void {
    for (const relocation of this.#extensions.relocations.get(section.name) ?? []) {
      const offset = relocation.offset - symbol.value;
      if (offset < 0 || offset >= symbol.size) continue;
      const value = relocate(this.#btf, kernelBtf(), relocation);
      if (value === undefined) poison(code, offset);
      else patch(code, offset, value);
    }
  }

  #definedMap(name: string): BpfMap {
    return this.#map(name, () => this.#mapSpec(name));
  }

  #map(name: string, spec: () => MapSpec): BpfMap {
    let map = this.#maps.get(name) ?? this.#options.maps?.[name];
    if (map === undefined) {
      map = BpfMap.create(spec());
      this.#owned.push(map);
    }
    this.#maps.set(name, map);
    return map;
  }

  /** A BTF-defined map: the pointed-to array's length is a number, the pointed-to type a size. */
  #mapSpec(name: string): MapSpec {
    const [variable] = this.#btf.find(name, Kind.VAR);
    const definition = this.#btf.resolve(this.#btf.type(variable ?? 0).sizeOrType);
    const members = new Map(this.#btf.members(definition).map((member) => [member.name, this.#btf.resolve(member.type).sizeOrType]));
    const number = (key: string): number => this.#arrayLength(members.get(key));
    const size = (type: string, bytes: string): number => (members.has(type) ? this.#btf.sizeOf(members.get(type)!) : number(bytes));
    const spec = {
      name, type: number('type'), keySize: size('key', 'key_size'), valueSize: size('value', 'value_size'),
      maxEntries: number('max_entries'), flags: number('map_flags'),
    };
    return { ...spec, ...this.#options.sizes?.[name] };
  }

  #arrayLength(type: number | undefined): number {
    if (type === undefined) return 0;
    const array = this.#btf.resolve(type);
    return array.kind === Kind.ARRAY ? this.#btf.tail(array.id, 3)[2]! : 0;
  }

  /** `.rodata`, `.data` and `.bss` are array maps with one value; read-only data is frozen, so that the verifier knows it. */
  #dataMap(section: Section): BpfMap {
    const known = this.#maps.get(section.name);
    if (known !== undefined) return known;
    const readOnly = section.name.startsWith('.rodata');
    const map = this.#map(section.name, () => ({
      name: section.name, type: uapi.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: section.size, maxEntries: 1,
      flags: readOnly ? uapi.BPF_F_RDONLY_PROG : 0,
    }));
    const value = Buffer.alloc(section.size);
    section.data.copy(value);
    if (readOnly) this.#setConstants(value, this.#elf.sections.indexOf(section));
    map.update(indexKey(0), value);
    if (readOnly) map.freeze();
    return map;
  }

  #setConstants(value: Buffer, section: number): void {
    for (const [name, number] of Object.entries(this.#options.constants ?? {})) {
      const symbol = this.#elf.symbols.find((candidate) => candidate.section === section && candidate.name === name);
      if (symbol === undefined || symbol.size !== 4) throw this.#refuse(`no 32-bit constant ${name}`);
      value.writeUInt32LE(number, symbol.value);
    }
  }

  #functionInfo(placed: readonly Placed[]): Buffer {
    return this.#info(placed, this.#extensions.functions, 1);
  }

  #lineInfo(placed: readonly Placed[]): Buffer {
    return this.#info(placed, this.#extensions.lines, 3);
  }

  /** Records of the placed functions with instruction offsets in the whole program. */
  #info(placed: readonly Placed[], tables: Extensions['functions'], words: number): Buffer {
    const records: number[] = [];
    for (const { symbol, section, at } of placed)
      for (const record of tables.get(section.name) ?? []) {
        const offset = record.offset - symbol.value;
        if (offset >= 0 && offset < symbol.size) records.push(at + offset / 8, ...record.words.slice(0, words));
      }
    return Buffer.from(Uint32Array.from(records).buffer);
  }

  #license(): string {
    const section = this.#elf.sections.find(({ name }) => name === 'license');
    return section === undefined ? '' : section.data.toString('latin1').replace(/\0.*$/s, '');
  }

  #section(name: string): Section {
    const section = this.#elf.sections.find((candidate) => candidate.name === name);
    if (section === undefined) throw this.#refuse(`no section ${name}; compile with -g`);
    return section;
  }

  #named<T>(table: ReadonlyMap<string, T>, name: string, what: string): T {
    const found = table.get(name);
    if (found === undefined) throw this.#refuse(`no ${what} ${name} was loaded`);
    return found;
  }

  #refuse(what: string): OperationError {
    return new OperationError(`${this.#source}: ${what}`, { code: 'SL2401' });
  }
}

const CLASS_LDX = 1;
const CLASS_ST = 2;
const CLASS_STX = 3;

/** Puts a relocated value where the instruction keeps it: the offset of a load or store, else the immediate. */
function patch(code: Buffer, at: number, value: number): void {
  const kind = code[at]! & 7;
  if (kind === CLASS_LDX || kind === CLASS_ST || kind === CLASS_STX) code.writeInt16LE(value, at + 2);
  else code.writeInt32LE(value, at + 4);
}

/** An access to what this kernel lacks: a call of an impossible helper, which only a path that never runs may contain. */
function poison(code: Buffer, at: number): void {
  code.fill(0, at, at + 8);
  code[at] = CALL;
  code.writeInt32LE(195_896_080, at + 4);
}

