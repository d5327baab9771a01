/** The object's types in the form the kernel accepts with a program. */

import { OperationError, SyscallError } from '../../../lib/errors.ts';
import { Kind, type Btf } from '../../btf/index.ts';
import { Fd } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { Attr } from '../attr.ts';

const MAGIC = 0xeb9f;
const HEADER_BYTES = 24;
const LINKAGE_GLOBAL = 1;
const LINKAGE_EXTERN = 2;

/**
 * Loads the object's BTF; the caller closes the descriptor once its programs and maps are loaded.
 *
 * clang leaves section types unfinished and declares kernel functions as extern; the kernel takes neither. Functions and
 * lines do not need them, so sections become pointers to void and externs ordinary functions, ids unchanged.
 *
 * @throws OperationError SL2402 when the kernel finds it damaged. @kernel btf_parse
 */
export function loadProgramBtf(btf: Btf): Fd {
  const blob = encode(btf);
  try {
    return new Fd(new Attr().pointer(0, blob).u32(16, blob.length).call(uapi.BPF_BTF_LOAD, 'BPF_BTF_LOAD'));
  } catch (error) {
    if (!(error instanceof SyscallError) || error.reason === 'permission') throw error;
    throw new OperationError(`${btf.source}: the kernel does not accept its BTF`, { code: 'SL2402', reason: 'usage', causes: [error.message], cause: error });
  }
}

function encode(btf: Btf): Buffer {
  const types: number[] = [];
  // The name that is appended to the strings, for parameters without one.
  for (let id = 1; id < btf.count; id++) for (const word of acceptable(btf, id, btf.strings.length)) types.push(word);
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

/** The words of a type, with what the kernel refuses replaced. */
function acceptable(btf: Btf, id: number, unnamed: number): Uint32Array {
  const { kind, vlen, sizeOrType } = btf.type(id);
  const raw = btf.rawType(id).slice();
  if (isReplaced(btf, id) || (kind === Kind.DECL_TAG && isReplaced(btf, sizeOrType))) return Uint32Array.of(0, Kind.PTR << 24, 0);
  if (kind === Kind.FUNC && vlen === LINKAGE_EXTERN) raw[1] = (raw[1]! & ~0xffff) | LINKAGE_GLOBAL;
  // A function's parameters need names, which a mere declaration does not have.
  if (kind === Kind.FUNC_PROTO) for (let i = 3; i < raw.length; i += 2) if (raw[i] === 0 && raw[i + 1] !== 0) raw[i] = unnamed;
  return raw;
}

/** Sections, and variables of the kernel; the word behind a variable's header is its linkage. */
function isReplaced(btf: Btf, id: number): boolean {
  const { kind } = btf.type(id);
  return kind === Kind.DATASEC || (kind === Kind.VAR && btf.rawType(id)[3] === LINKAGE_EXTERN);
}
