import { OperationError } from '../../../lib/errors.ts';
import {
  formatInstruction, KernelSymbols, mapInfo, openById, parseBtf, readBtfObject, readInstructions, readProgramCode,
  type CodeNames, type Instruction, type MapInfo, type ProgramCode,
} from '../../../kernel/bpf/index.ts';
import { type Btf, kernelBtf, Kind, Signatures } from '../../../kernel/btf/index.ts';
import { findProgram, type Reference } from '../../bpf/index.ts';
import type { CodeFunction, CodeInstruction, DumpForm, ProgramDump, SourceLine } from './code.ts';

/**
 * Reads the code of a program, with names, source lines and signatures where type information has them.
 *
 * @throws see `findObject`; OperationError SL2453 where the kernel does not show the code, SL2454 for machine code or source
 *   lines that there are none of.
 */
export function dumpProgram(reference: Reference, form: DumpForm): ProgramDump {
  using program = findProgram(reference);
  const code = readProgramCode(program.fd);
  if (form === 'jited' && code.jited.length === 0)
    throw new OperationError(`${code.name} has no machine code: it is interpreted`, { code: 'SL2454', hints: ['sysctl net.core.bpf_jit_enable'] });
  if (form === 'source' && code.lines.length === 0)
    throw new OperationError(`${code.name} was loaded without source lines`, { code: 'SL2454', hints: ['compile with -g', 'sluice bpf prog dump REF --xlated'] });
  const { id, tag, name } = program.info();
  return { id, name, tag, functions: readFunctions(code, form) };
}

function readFunctions(code: ProgramCode, form: DumpForm): CodeFunction[] {
  const btf = readTypes(code.btfId);
  const signatures = btf === undefined ? undefined : new Signatures(btf);
  const starts = code.functions.length === 0 ? [{ index: 0, typeId: 0 }] : code.functions;
  const nameOf = (typeId: number): string => btf?.type(typeId).name || code.name;
  if (form === 'jited') return machineFunctions(code, starts.map(({ typeId }) => ({ name: nameOf(typeId), ...named(signatures?.of(typeId)) })));
  const instructions = formatAll(code, btf, new Names(starts.map(({ index, typeId }) => [index, nameOf(typeId)])));
  return starts.map(({ index, typeId }, i) => ({
    name: nameOf(typeId), ...named(signatures?.of(typeId)),
    instructions: instructions.filter((one) => one.index >= index && one.index < (starts[i + 1]?.index ?? Infinity)),
  }));
}

const named = (signature: string | undefined): { signature?: string } => (signature === undefined ? {} : { signature });

/** Functions of the machine code come in the order of those of the program. */
function machineFunctions({ jited, jitedFunctions, name }: ProgramCode, known: readonly { name: string; signature?: string }[]): CodeFunction[] {
  const parts = jitedFunctions.length === 0 ? [{ address: 0n, length: jited.length }] : jitedFunctions;
  let at = 0;
  return parts.map(({ address, length }, i) => {
    const bytes = jited.toString('hex', at, at + length);
    at += length;
    return { ...(known[i] ?? { name: `${name}+${i}` }), instructions: [], machineCode: { address: address.toString(16), bytes } };
  });
}

function formatAll({ translated, lines }: ProgramCode, btf: Btf | undefined, names: CodeNames): CodeInstruction[] {
  const sources = sourcesByIndex(lines, btf);
  let last: string | undefined;
  return readInstructions(translated).map((instruction) => {
    const { index, next } = instruction;
    const source = sources.get(index);
    const key = source === undefined ? last : `${source.file}:${source.line}`;
    const isNew = key !== last;
    last = key;
    const bytes = translated.toString('hex', index * 8, index * 8 + (next === undefined ? 8 : 16));
    return { index, bytes, text: formatInstruction(instruction, names), ...(isNew && source !== undefined ? { source } : {}) };
  });
}

/** Lines by their first instruction; the compiler marks what belongs to none with line 0. */
function sourcesByIndex(lines: ProgramCode['lines'], btf: Btf | undefined): Map<number, SourceLine> {
  if (btf === undefined) return new Map();
  return new Map(lines.filter(({ line }) => line > 0).map(({ index, file, text, line, column }) => [
    index, { file: btf.string(file), line, column, text: btf.string(text).trim() },
  ]));
}

function readTypes(btfId: number): Btf | undefined {
  const object = btfId === 0 ? undefined : readBtfObject(btfId);
  return object === undefined ? undefined : parseBtf(object);
}

/** Helpers that stay helpers are called relative to this symbol. */
const CALL_BASE = '__bpf_call_base';
/** BPF_FUNC_tail_call, the only helper that the kernel leaves under its number. */
const TAIL_CALL = 12;
const KFUNC = 2;

/** Names of what the instructions of one program refer to, each found out once. */
class Names implements CodeNames {
  readonly #functions: ReadonlyMap<number, string>;
  readonly #maps = new Map<number, { info: MapInfo; types: Btf | undefined } | undefined>();
  readonly #symbols = new KernelSymbols();
  readonly #called = new Map<number, string | undefined>();

  constructor(functions: readonly (readonly [index: number, name: string])[]) {
    this.#functions = new Map(functions);
  }

  map(id: number): string | undefined {
    return this.#map(id)?.info.name || undefined;
  }

  variable(mapId: number, offset: number): string | undefined {
    const { info, types } = this.#map(mapId) ?? {};
    const section = types?.type(info?.valueType ?? 0);
    if (types === undefined || section?.kind !== Kind.DATASEC) return undefined;
    const variable = types.variables(section).find((one) => offset >= one.offset && offset < one.offset + one.size);
    if (variable === undefined) return undefined;
    const within = offset - variable.offset;
    return `${types.type(variable.type).name}${within === 0 ? '' : `+${within}`}`;
  }

  subprogram(index: number): string | undefined {
    return this.#functions.get(index);
  }

  kernelFunction(instruction: Instruction): string | undefined {
    const key = instruction.src * 2 ** 32 + instruction.imm;
    if (!this.#called.has(key)) this.#called.set(key, this.#find(instruction));
    return this.#called.get(key);
  }

  symbol(address: bigint): string | undefined {
    return this.#symbols.nameAt(address);
  }

  /** Kernel functions go by the id of their type, or where they are near enough by their distance, as helpers do. */
  #find({ src, off, imm }: Instruction): string | undefined {
    if (src === 0 && imm === TAIL_CALL) return 'bpf_tail_call';
    const type = src === KFUNC && off === 0 ? kernelBtf().type(imm) : undefined;
    if (type?.kind === Kind.FUNC) return type.name;
    const base = this.#symbols.addressOf(CALL_BASE);
    return base === undefined || imm === 0 ? undefined : this.#symbols.nameAt(BigInt.asUintN(64, base + BigInt(imm)));
  }

  #map(id: number): { info: MapInfo; types: Btf | undefined } | undefined {
    if (!this.#maps.has(id)) this.#maps.set(id, readMap(id));
    return this.#maps.get(id);
  }
}

function readMap(id: number): { info: MapInfo; types: Btf | undefined } | undefined {
  using fd = openById('map', id);
  if (fd === undefined) return undefined;
  const info = mapInfo(fd);
  return { info, types: readTypes(info.btfId) };
}
