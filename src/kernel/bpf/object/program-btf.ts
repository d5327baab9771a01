/** The object's types in the form the kernel accepts with a program. */

import { Kind, type Btf } from '../../btf/index.ts';
import { Fd } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { Attr } from '../attr.ts';

const LINKAGE_GLOBAL = 1;
const LINKAGE_EXTERN = 2;

/**
 * Loads the object's BTF.
 *
 * clang leaves section types unfinished and declares kernel functions as extern; the kernel takes neither. Functions and
 * lines do not need them, so sections become pointers to void and externs ordinary functions, ids unchanged.
 *
 * @kernel btf_parse
 */
export function loadProgramBtf(btf: Btf): Fd {
  const names = Buffer.concat([btf.strings, Buffer.from('arg\0')]);
  const types: number[] = [];
  for (let id = 1; id < btf.count; id++) types.push(...sanitize(btf, id, btf.strings.length));
  const body = Buffer.from(Uint32Array.from(types).buffer);
  const header = Buffer.alloc(24);
  header.writeUInt16LE(0xeb9f, 0);
  header[2] = 1;
  header.writeUInt32LE(24, 4);
  header.writeUInt32LE(body.length, 12);
  header.writeUInt32LE(body.length, 16);
  header.writeUInt32LE(names.length, 20);
  const blob = Buffer.concat([header, body, names]);
  return new Fd(new Attr().pointer(0, blob).u32(16, blob.length).call(uapi.BPF_BTF_LOAD, 'BPF_BTF_LOAD'));
}

function sanitize(btf: Btf, id: number, unnamed: number): number[] {
  const { kind, vlen } = btf.type(id);
  const raw = Array.from(btf.rawType(id));
  if (kind === Kind.DATASEC) return [0, Kind.PTR << 24, 0];
  if (kind === Kind.VAR && raw[3] === LINKAGE_EXTERN) return [0, Kind.PTR << 24, 0];
  if (kind === Kind.FUNC && vlen === LINKAGE_EXTERN) return [raw[0]!, ((raw[1]! & ~0xffff) | LINKAGE_GLOBAL) >>> 0, raw[2]!];
  // A function's parameters need names, which a mere declaration does not have.
  if (kind === Kind.FUNC_PROTO) return raw.map((word, i) => (i >= 3 && i % 2 === 1 && word === 0 && raw[i + 1] !== 0 ? unnamed : word));
  return raw;
}
