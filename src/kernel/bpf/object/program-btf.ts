/**
 * The object's types in the form the kernel accepts with a program.
 *
 * The compiler leaves some of it unfinished: sizes of sections and places of variables are only in the symbol table, what
 * the kernel provides is declared extern, parameters of mere declarations have no names. All ids stay as they are.
 *
 * @kernel btf_parse; libbpf btf_fixup_datasec, bpf_object__sanitize_btf
 */

import { OperationError, SyscallError } from '../../../lib/errors.ts';
import { Kind, type SectionVariable } from '../../btf/index.ts';
import { Fd } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { Attr } from '../attr.ts';
import { cString } from '../info.ts';
import { KCONFIG, kconfigSize, layOutKconfig, type KconfigVariable } from './kconfig.ts';
import type { ObjectFile } from './object-file.ts';

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
/** BTF_FUNC_*, BTF_VAR_* */
const LINKAGE_STATIC = 0;
const LINKAGE_GLOBAL = 1;
const LINKAGE_EXTERN = 2;

/**
 * Loads the object's BTF; the caller closes the descriptor once its programs and maps are loaded.
 *
 * Where a kernel does not know newer kinds, they are replaced by older ones of the same length.
 *
 * @throws OperationError SL2402 when the kernel finds it damaged.
 */
export function loadProgramBtf(file: ObjectFile): Fd {
  try {
    return load(encodeProgramBtf(file));
  } catch (error) {
    if (!(error instanceof SyscallError) || error.reason === 'permission') throw error;
    return loadPlain(file, error);
  }
}

function loadPlain(file: ObjectFile, first: SyscallError): Fd {
  try {
    return load(encodeProgramBtf(file, true));
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new OperationError(`${file.source}: the kernel does not accept its BTF`, {
      code: 'SL2402', reason: 'usage', causes: [first.message, ...logOf(encodeProgramBtf(file))], cause: first,
    });
  }
}

const LOG_BYTES = 1 << 16;

function load(blob: Buffer, log?: Buffer): Fd {
  const attr = new Attr().pointer(0, blob).u32(16, blob.length);
  if (log !== undefined) attr.pointer(8, log).u32(20, log.length).u32(24, 1);
  return new Fd(attr.call(uapi.BPF_BTF_LOAD, 'BPF_BTF_LOAD'));
}

/** The last lines of what the kernel writes about a blob that it refuses. */
function logOf(blob: Buffer): string[] {
  const log = Buffer.alloc(LOG_BYTES);
  try {
    load(blob, log).close();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
  }
  return cString(log).trim().split('\n').slice(-2);
}

/** The blob; `plain` has only kinds that Linux 5.10 knows. */
export function encodeProgramBtf(file: ObjectFile, plain: boolean = false): Buffer {
  const { btf } = file;
  const encoder = new Encoder(file, plain);
  const types: number[] = [];
  for (let id = 1; id < btf.count; id++) for (const word of encoder.type(id)) types.push(word);
  const [body, names] = [Buffer.from(Uint32Array.from(types).buffer), Buffer.concat([btf.strings, Buffer.from('arg\0')])];
  const header = Buffer.alloc(HEADER_BYTES);
  header.writeUInt16LE(MAGIC, 0);
  header[2] = 1;
  header.writeUInt32LE(HEADER_BYTES, 4);
  header.writeUInt32LE(body.length, 12);
  header.writeUInt32LE(body.length, 16);
  header.writeUInt32LE(names.length, 20);
  return Buffer.concat([header, body, names]);
}

/** `void *`, which takes the place of what the kernel does not accept. */
const POINTER = Uint32Array.of(0, Kind.PTR << 24, 0);

class Encoder {
  readonly #file: ObjectFile;
  readonly #plain: boolean;
  readonly #kconfig: ReadonlyMap<string, KconfigVariable>;
  /** Variables that stand in a section which is kept. */
  readonly #kept = new Set<number>();

  constructor(file: ObjectFile, plain: boolean) {
    this.#file = file;
    this.#plain = plain;
    this.#kconfig = new Map(layOutKconfig(file).map((variable) => [variable.name, variable]));
    for (let id = 1; id < file.btf.count; id++) {
      const type = file.btf.type(id);
      if (type.kind === Kind.DATASEC && this.#sectionSize(type.name) > 0) for (const variable of file.btf.variables(type)) this.#kept.add(variable.type);
    }
  }

  /** The words of a type, with what the kernel refuses replaced. */
  type(id: number): Uint32Array {
    const { btf } = this.#file;
    const { kind, sizeOrType } = btf.type(id);
    if (this.#isReplaced(id) || (kind === Kind.DECL_TAG && this.#isReplaced(sizeOrType))) return POINTER;
    switch (kind) {
      case Kind.DATASEC: return this.#section(id);
      case Kind.VAR: return this.#variable(id);
      case Kind.FUNC: return this.#function(id);
      case Kind.FUNC_PROTO: return this.#prototype(id);
      default: return this.#plain ? older(btf.rawType(id).slice(), kind) : btf.rawType(id);
    }
  }

  /** Sections without content, such as the list of kernel functions, and variables that are in none. */
  #isReplaced(id: number): boolean {
    const { kind, name } = this.#file.btf.type(id);
    return (kind === Kind.DATASEC && this.#sectionSize(name) === 0) || (kind === Kind.VAR && !this.#kept.has(id));
  }

  #sectionSize(name: string): number {
    if (name === KCONFIG) return kconfigSize([...this.#kconfig.values()]);
    return this.#file.sectionNamed(name)?.size ?? 0;
  }

  #section(id: number): Uint32Array {
    const { btf } = this.#file;
    const type = btf.type(id);
    const placed = btf.variables(type).map((variable) => ({ ...variable, offset: this.#offsetOf(variable, type.name) }));
    placed.sort((a, b) => a.offset - b.offset);
    const [name = 0, info = 0] = btf.rawType(id);
    return Uint32Array.of(name, info, this.#sectionSize(type.name), ...placed.flatMap(({ type: of, offset, size }) => [of, offset, size]));
  }

  /** Variables that only their own file sees have their place in BTF already. */
  #offsetOf({ type, offset }: SectionVariable, section: string): number {
    const { name } = this.#file.btf.type(type);
    if (section === KCONFIG) return this.#kconfig.get(name)?.offset ?? 0;
    if (this.#file.btf.rawType(type)[3] === LINKAGE_STATIC) return offset;
    return this.#file.symbolNamed(name)?.value ?? offset;
  }

  #variable(id: number): Uint32Array {
    const words = this.#file.btf.rawType(id).slice();
    if (words[3] === LINKAGE_EXTERN) words[3] = LINKAGE_GLOBAL;
    return words;
  }

  /** A global function that is hidden is verified like a static one: with what its callers pass. */
  #function(id: number): Uint32Array {
    const { name, vlen } = this.#file.btf.type(id);
    const words = this.#file.btf.rawType(id).slice();
    const linkage = vlen === LINKAGE_EXTERN ? LINKAGE_GLOBAL : this.#file.symbolNamed(name)?.hidden === true ? LINKAGE_STATIC : vlen;
    words[1] = (words[1]! & ~0xffff) | linkage;
    return words;
  }

  #prototype(id: number): Uint32Array {
    const words = this.#file.btf.rawType(id).slice();
    // The name that is appended to the strings.
    for (let i = 3; i < words.length; i += 2) if (words[i] === 0 && words[i + 1] !== 0) words[i] = this.#file.btf.strings.length;
    return words;
  }
}

/** A kind that came after Linux 5.10, as one that it knows. */
function older(words: Uint32Array, kind: number): Uint32Array {
  const [name = 0, , sizeOrType = 0] = words;
  switch (kind) {
    case Kind.FLOAT:
    case Kind.ENUM64: return Uint32Array.of(name, Kind.STRUCT << 24, sizeOrType);
    case Kind.TYPE_TAG: return Uint32Array.of(0, Kind.CONST << 24, sizeOrType);
    case Kind.DECL_TAG: return POINTER;
    default: return words;
  }
}
