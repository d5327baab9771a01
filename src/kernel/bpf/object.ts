/**
 * Loads compiled BPF objects, as libbpf does for C programs.
 *
 *   file (ELF, BTF)  →  assemble (functions together, kernel types and names resolved)  →  maps made  →  programs verified
 */

import { OperationError } from '../../lib/errors.ts';
import type { Fd } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import type { BpfMap } from './map.ts';
import { indexKey } from './map.ts';
import { assemble, type Assembled } from './object/assemble.ts';
import { attachTarget } from './object/attach-target.ts';
import { setConstants } from './object/data-section.ts';
import { KernelTypes } from './object/kernel-types.ts';
import { layOutKconfig } from './object/kconfig.ts';
import { declaredMaps } from './object/map-definition.ts';
import { ObjectMaps, type MapOptions } from './object/maps.ts';
import { ObjectFile } from './object/object-file.ts';
import { loadProgramBtf } from './object/program-btf.ts';
import type { ProgramType } from './object/program-type.ts';
import { KernelResolver } from './object/resolver.ts';
import { lineOf } from './object/line-of.ts';
import { createStructOps, readStructOps, type StructOps, type StructOpsDefinition } from './object/struct-ops.ts';
import { selectPrograms, type SelectedProgram, type Selection } from './object/select.ts';
import { BpfProgram, type ProgramSpec } from './program.ts';

export interface LoadOptions extends MapOptions, Selection {
  /** Makes every map that the object declares, also those that no loaded program refers to. */
  allMaps?: boolean;
  /** The program that `freplace` programs replace a function of, and `fentry` and `fexit` programs trace. */
  target?: BpfProgram;
}

/** A program of an object, in the kernel. */
export interface ObjectProgram {
  /** The function's name, which the kernel may have cut off. */
  name: string;
  section: string;
  kind: ProgramType;
  program: BpfProgram;
}

/** What was loaded; `close` gives everything back that this load made. */
export interface LoadedObject {
  /** In the order in which they were loaded. */
  readonly programs: readonly ObjectProgram[];
  /** By their name in the object. `.rodata`, `.data` and `.bss` are maps of that name. */
  readonly maps: ReadonlyMap<string, BpfMap>;
  /** Tables of functions by the name of their variable. */
  readonly structOps: ReadonlyMap<string, StructOps>;
  /** @throws OperationError SL2401 for one that was not loaded. */
  program(name: string): BpfProgram;
  /** A map that a loaded program refers to; others are not made unless `allMaps` asks for it. */
  map(name: string): BpfMap;
  close(): void;
  [Symbol.dispose](): void;
}

/**
 * Loads programs of an object file and the maps that they use.
 *
 * @param source names the file in errors
 * @throws OperationError SL2401…SL2412 when the object cannot be used; VerifierError when the kernel refuses a program;
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

/** A program whose attach target is known already. */
interface TargetedProgram extends SelectedProgram {
  attach?: NonNullable<ProgramSpec['attach']>;
}

/** A program of struct_ops, as the member of the table that it stands in. @throws OperationError SL2412 for one that stands in none. */
function asFunction(file: ObjectFile, program: SelectedProgram, tables: readonly StructOpsDefinition[]): TargetedProgram {
  const { symbol, kind } = program;
  if (kind.type !== uapi.BPF_PROG_TYPE_STRUCT_OPS) return program;
  const found = tables.flatMap(({ functions }) => functions).find((candidate) => candidate.program === symbol.name);
  if (found === undefined) throw file.refuse(`program ${symbol.name} stands in no variable of section .struct_ops`, { code: 'SL2412' });
  return { ...program, kind: { ...kind, expectedAttachType: found.member }, attach: found.attach };
}

class ObjectLoader {
  readonly #file: ObjectFile;
  readonly #options: LoadOptions;
  readonly #types = new KernelTypes();
  readonly #programs: ObjectProgram[] = [];
  readonly #structOps = new Map<string, StructOps>();
  #maps: ObjectMaps | undefined;
  #btf: Fd | undefined;

  constructor(file: ObjectFile, options: LoadOptions) {
    this.#file = file;
    this.#options = options;
  }

  load(): LoadedObject {
    setConstants(this.#file, this.#options.constants ?? {});
    const kconfig = layOutKconfig(this.#file);
    const resolver = new KernelResolver(this.#file, this.#types, kconfig);
    const selected = selectPrograms(this.#file, this.#options);
    const assembled = selected.map(({ symbol }) => assemble(this.#file, symbol, resolver));
    const names = new Set(selected.map(({ symbol }) => symbol.name));
    const tables = readStructOps(this.#file, this.#types).filter(({ functions }) => functions.length === 0 || functions.some(({ program }) => names.has(program)));
    this.#btf = loadProgramBtf(this.#file);
    this.#maps = new ObjectMaps(this.#file, this.#options, kconfig, this.#btf);
    if (this.#options.allMaps === true) for (const name of declaredMaps(this.#file)) this.#maps.get(name);
    for (const table of tables) this.#structOps.set(table.spec.name, createStructOps(table, this.#btf, (name) => this.#program(name)?.fd.number));
    for (const [i, program] of selected.entries()) this.#loadProgram(asFunction(this.#file, program, tables), assembled[i]!, this.#maps);
    this.#fillProgramArrays(this.#maps);
    for (const table of this.#structOps.values()) if (table.usesLink) table.register();
    this.#btf.close();
    this.#types.close();
    return this.#result(this.#maps);
  }

  close(): void {
    this.#btf?.close();
    this.#types.close();
    for (const { program } of this.#programs) program.close();
    for (const { map } of this.#structOps.values()) map.close();
    this.#maps?.close();
  }

  #loadProgram({ symbol, section, kind, attach: given }: TargetedProgram, assembled: Assembled, maps: ObjectMaps): void {
    const { instructions, maps: references, functionInfo, lineInfo, modules } = assembled;
    const { name } = symbol;
    for (const { at, map, offset } of references) {
      const { fd } = maps.get(map);
      instructions[at + 1] = (instructions[at + 1]! & 15) | ((offset === undefined ? uapi.BPF_PSEUDO_MAP_FD : uapi.BPF_PSEUDO_MAP_VALUE) << 4);
      instructions.writeInt32LE(fd.number, at + 4);
      instructions.writeInt32LE(offset ?? 0, at + 12);
    }
    const { type, expectedAttachType, flags } = kind;
    const attach = given ?? attachTarget(this.#file, name, kind, this.#types, this.#options.target);
    const program = BpfProgram.load({
      name, type, expectedAttachType, flags, instructions, license: this.#file.license, btf: { fd: this.#btf!, functionInfo, lineInfo },
      lineOf: (instruction) => lineOf(this.#file.btf, lineInfo, instruction),
      ...(modules.length === 0 ? {} : { modules }), ...(attach === undefined ? {} : { attach }),
    });
    this.#programs.push({ name, section, kind, program });
  }

  /** Programs that were not chosen leave their place free. */
  #fillProgramArrays(maps: ObjectMaps): void {
    for (const { map, index, name } of maps.programs) {
      const program = this.#program(name);
      if (program !== undefined) map.update(indexKey(index), indexKey(program.fd.number));
    }
  }

  #program(name: string): BpfProgram | undefined {
    return this.#programs.find((candidate) => candidate.name === name)?.program;
  }

  #result(maps: ObjectMaps): LoadedObject {
    const named = <T>(found: T | undefined, what: string): T => {
      if (found === undefined) throw new OperationError(`${this.#file.source}: no ${what} was loaded`, { code: 'SL2401' });
      return found;
    };
    const all = new Map([...maps.all, ...[...this.#structOps].map(([name, { map }]) => [name, map] as const)]);
    return {
      programs: this.#programs,
      maps: all,
      structOps: this.#structOps,
      program: (name) => named(this.#program(name), `program ${name}`),
      map: (name) => named(all.get(name), `map ${name}`),
      close: () => this.close(),
      [Symbol.dispose]: () => this.close(),
    };
  }
}
