/**
 * Puts a program together: its function, then every function that is called, in the order in which libbpf does it, with all
 * references resolved but those to maps, which do not exist yet.
 */

import type { CoreRelocation, InfoRecord } from '../../btf/index.ts';
import { R_BPF_64_32, R_BPF_64_64, STT_FUNC, type ElfSymbol, type Relocation } from '../../elf/index.ts';
import type { Fd } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { isData } from './data-section.ts';
import type { Extern } from './extern.ts';
import { KCONFIG } from './kconfig.ts';
import { mapAt } from './map-definition.ts';
import type { ObjectFile } from './object-file.ts';

/** An instruction, at byte `at`, that takes a map, or the address of byte `offset` in the value of a data section's map. */
export interface MapReference {
  at: number;
  map: string;
  offset?: number;
}

/** A program that only lacks its maps. */
export interface Assembled {
  instructions: Buffer;
  maps: MapReference[];
  functionInfo: Buffer;
  lineInfo: Buffer;
  /** BTF of modules whose functions it calls, in the order of the numbers that the calls have. */
  modules: Fd[];
}

/** What answers for the kernel; another one than the running kernel's where an object is only checked. */
export interface Resolver {
  /** Changes the instruction at byte `at` as a CO-RE relocation says. */
  relocate(code: Buffer, at: number, relocation: CoreRelocation): void;
  extern(symbol: ElfSymbol): Extern;
}

/** As many functions as the kernel takes in one program. @kernel BPF_MAX_SUBPROGS */
const MAX_FUNCTIONS = 256;
const INSTRUCTION = 8;

/** @throws OperationError SL2401, SL2404, SL2405 for what cannot be resolved. */
export function assemble(file: ObjectFile, program: ElfSymbol, resolver: Resolver): Assembled {
  const assembly = new Assembly(file, resolver);
  assembly.place(program);
  return assembly.finish();
}

/** A function in the program; `at` is its first byte there. */
interface Placed {
  symbol: ElfSymbol;
  code: Buffer;
  at: number;
}

class Assembly {
  readonly #file: ObjectFile;
  readonly #resolver: Resolver;
  readonly #modules: Fd[] = [];
  readonly #placed: Placed[] = [];
  readonly #maps: MapReference[] = [];
  #bytes = 0;

  constructor(file: ObjectFile, resolver: Resolver) {
    this.#file = file;
    this.#resolver = resolver;
  }

  /** Appends a function, then those that it calls and that are not there yet. */
  place(symbol: ElfSymbol): Placed {
    const placed = { symbol, code: this.#file.code(symbol), at: this.#bytes };
    this.#placed.push(placed);
    if (this.#placed.length > MAX_FUNCTIONS) throw this.#file.refuse(`more than ${MAX_FUNCTIONS} functions in one program`);
    this.#bytes += placed.code.length;
    this.#relocateTypes(placed);
    this.#resolveReferences(placed);
    return placed;
  }

  finish(): Assembled {
    const { functions, lines } = this.#file.extensions;
    return {
      instructions: Buffer.concat(this.#placed.map(({ code }) => code)),
      maps: this.#maps,
      functionInfo: this.#info(functions),
      lineInfo: this.#info(lines),
      modules: this.#modules,
    };
  }

  #relocateTypes({ symbol, code }: Placed): void {
    const records = this.#file.extensions.relocations.get(this.#file.section(symbol).name) ?? [];
    for (const relocation of records) {
      const at = relocation.offset - symbol.value;
      if (at >= 0 && at < code.length && isWhole(code, at)) this.#resolver.relocate(code, at, relocation);
    }
  }

  #resolveReferences(placed: Placed): void {
    const { symbol, code } = placed;
    const relocations = new Map(this.#file.relocations(this.#file.section(symbol)).map((relocation) => [relocation.offset - symbol.value, relocation]));
    for (let at = 0; at < code.length; at += isWide(code, at) ? 2 * INSTRUCTION : INSTRUCTION) {
      const relocation = relocations.get(at);
      if (code[at] === uapi.OP_CALL) this.#resolveCall(placed, at, relocation);
      else if (relocation !== undefined) this.#resolveAddress(placed, at, relocation);
    }
  }

  #resolveCall(placed: Placed, at: number, relocation: Relocation | undefined): void {
    const { code, symbol } = placed;
    const distance = (code.readInt32LE(at + 4) + 1) * INSTRUCTION;
    if (relocation === undefined) {
      // A call of a static function of the same section: the compiler knew the distance.
      if (source(code, at) === uapi.BPF_PSEUDO_CALL) this.#point(placed, at, this.#functionAt(symbol.section, symbol.value + at + distance));
      return;
    }
    if (relocation.type !== R_BPF_64_32) throw this.#file.refuse(`relocation type ${relocation.type} at a call`);
    if (relocation.symbol.section === 0) return this.#callKernel(code, at, relocation.symbol);
    setSource(code, at, uapi.BPF_PSEUDO_CALL);
    this.#point(placed, at, this.#functionAt(relocation.symbol.section, relocation.symbol.value + distance));
  }

  /** A missing function is number 0, which the verifier refuses where the call can be reached. */
  #callKernel(code: Buffer, at: number, symbol: ElfSymbol): void {
    const found = this.#resolver.extern(symbol);
    setSource(code, at, uapi.BPF_PSEUDO_KFUNC_CALL);
    code.writeInt16LE(found.kind === 'type' ? this.#moduleNumber(found.module) : 0, at + 2);
    code.writeInt32LE(found.kind === 'type' ? found.id : 0, at + 4);
  }

  /** 0 is the kernel itself. */
  #moduleNumber(module: Fd | undefined): number {
    if (module === undefined) return 0;
    if (!this.#modules.includes(module)) this.#modules.push(module);
    return this.#modules.indexOf(module) + 1;
  }

  #resolveAddress(placed: Placed, at: number, { type, symbol }: Relocation): void {
    const { code } = placed;
    if (!isWide(code, at) || type !== R_BPF_64_64) throw this.#file.refuse(`relocation type ${type} to ${symbol.name} in ${placed.symbol.name}`);
    if (symbol.section === 0) return this.#addressKernel(placed, at, symbol);
    const section = this.#file.section(symbol);
    const offset = symbol.value + code.readInt32LE(at + 4);
    if (offset !== (offset | 0)) throw this.#file.refuse(`${placed.symbol.name} refers to byte ${offset} of section ${section.name}`);
    if (section.executable) return this.#addressFunction(placed, at, section.index, offset);
    if (section.name === '.maps') this.#maps.push({ at: placed.at + at, map: mapAt(this.#file, section.index, offset) });
    else if (isData(section)) this.#maps.push({ at: placed.at + at, map: section.name, offset });
    else throw this.#file.refuse(`${placed.symbol.name} refers to section ${section.name}, which is not supported`);
  }

  #addressKernel(placed: Placed, at: number, symbol: ElfSymbol): void {
    const { code } = placed;
    const found = this.#resolver.extern(symbol);
    if (found.kind === 'option') this.#maps.push({ at: placed.at + at, map: KCONFIG, offset: found.offset });
    setSource(code, at, found.kind === 'type' ? uapi.BPF_PSEUDO_BTF_ID : 0);
    const address = found.kind === 'address' ? found.address : 0n;
    code.writeUInt32LE(found.kind === 'type' ? found.id : Number(BigInt.asUintN(32, address)), at + 4);
    code.writeUInt32LE(found.kind === 'type' ? (found.module?.number ?? 0) : Number(address >> 32n), at + 12);
  }

  /** A function given to a helper that calls it back. */
  #addressFunction(placed: Placed, at: number, section: number, offset: number): void {
    setSource(placed.code, at, uapi.BPF_PSEUDO_FUNC);
    this.#point(placed, at, this.#functionAt(section, offset));
  }

  /** Writes the distance to a function, in instructions from the next one. */
  #point({ code, at: start }: Placed, at: number, target: ElfSymbol): void {
    const callee = this.#placed.find(({ symbol }) => symbol === target) ?? this.place(target);
    code.writeInt32LE((callee.at - start - at) / INSTRUCTION - 1, at + 4);
  }

  #functionAt(section: number, offset: number): ElfSymbol {
    const found = this.#file.symbolAt(STT_FUNC, section, offset);
    if (found === undefined) throw this.#file.refuse(`no function at ${this.#file.elf.sections[section]?.name}+${offset}`);
    return found;
  }

  /** Records of the placed functions, with instruction numbers in the whole program. */
  #info(tables: Map<string, InfoRecord[]>): Buffer {
    const words: number[] = [];
    for (const { symbol, code, at } of this.#placed)
      for (const record of tables.get(this.#file.section(symbol).name) ?? []) {
        const offset = record.offset - symbol.value;
        if (offset >= 0 && offset < code.length) words.push((at + offset) / INSTRUCTION, ...record.words);
      }
    return Buffer.from(Uint32Array.from(words).buffer);
  }
}

const isWide = (code: Buffer, at: number): boolean => code[at] === uapi.OP_LD_IMM64 && at + 2 * INSTRUCTION <= code.length;

/** Whether an instruction starts and ends inside the function. */
const isWhole = (code: Buffer, at: number): boolean => at % INSTRUCTION === 0 && (code[at] !== uapi.OP_LD_IMM64 || isWide(code, at));

const source = (code: Buffer, at: number): number => code[at + 1]! >> 4;

function setSource(code: Buffer, at: number, value: number): void {
  code[at + 1] = (code[at + 1]! & 15) | (value << 4);
}
