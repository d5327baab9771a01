/**
 * CO-RE: replaces what an object compiled in about its own copy of a kernel type by what holds on the running kernel.
 *
 * @kernel libbpf relo_core.c; enum bpf_core_relo_kind of linux/bpf.h
 */

import { OperationError } from '../../lib/errors.ts';
import { Kind, type Btf, type BtfType, type CoreRelocation } from '../btf/index.ts';

const FIELD_BYTE_OFFSET = 0;
const FIELD_BYTE_SIZE = 1;
const FIELD_EXISTS = 2;

/**
 * The value that the instruction must carry, or undefined where the kernel has no such field (a guarded access then never
 * runs, and must not verify either).
 *
 * @throws OperationError SL2404 for a relocation that is not known, or one that two kernel types answer differently.
 */
export function relocate(local: Btf, kernel: Btf, relocation: CoreRelocation): number | undefined {
  const path = localPath(local, relocation);
  const answers = new Set(candidates(local, kernel, relocation.type).map((id) => answer(kernel, id, path, relocation.kind)));
  answers.delete(undefined);
  if (answers.size > 1) throw refuse(path, 'the kernel has several types of that name, which differ');
  const [value] = answers;
  return value ?? (relocation.kind === FIELD_EXISTS ? 0 : undefined);
}

/** Type name and the names of the members on the way, array indices as numbers. */
interface FieldPath {
  root: string;
  steps: (string | number)[];
}

function localPath(local: Btf, { type, access }: CoreRelocation): FieldPath {
  const indices = access.split(':').map(Number);
  const steps: (string | number)[] = [];
  let current = local.resolve(type);
  const root = current.name;
  for (const index of indices.slice(1)) {
    if (current.kind === Kind.ARRAY) {
      steps.push(index);
      current = local.resolve(local.tail(current.id, 1)[0]!);
    } else {
      const member = local.members(current)[index];
      if (member === undefined) throw refuse({ root, steps }, `no member ${index}`);
      if (member.name !== '') steps.push(member.name);
      current = local.resolve(member.type);
    }
  }
  return { root, steps };
}

/** Kernel types of the same name; `sk_buff___old` looks for `sk_buff`. */
function candidates(local: Btf, kernel: Btf, type: number): number[] {
  const { name, kind } = local.resolve(type);
  return kernel.find(name.replace(/___.*$/, ''), kind);
}

function answer(kernel: Btf, id: number, path: FieldPath, kind: number): number | undefined {
  const found = locate(kernel, kernel.type(id), path.steps, 0);
  if (kind === FIELD_EXISTS) return found === undefined ? undefined : 1;
  if (kind === FIELD_BYTE_OFFSET) return found === undefined ? undefined : found.bitOffset / 8;
  if (kind === FIELD_BYTE_SIZE) return found === undefined ? undefined : kernel.sizeOf(found.type);
  throw refuse(path, `relocation kind ${kind} is not supported`);
}

/** Where the path leads in a kernel type, looking into anonymous members as C does. */
function locate(kernel: Btf, type: BtfType, steps: readonly (string | number)[], bitOffset: number): { bitOffset: number; type: number } | undefined {
  const [step, ...rest] = steps;
  if (step === undefined) return { bitOffset, type: type.id };
  if (typeof step === 'number') {
    if (type.kind !== Kind.ARRAY) return undefined;
    const element = kernel.tail(type.id, 1)[0]!;
    return locate(kernel, kernel.resolve(element), rest, bitOffset + step * kernel.sizeOf(element) * 8);
  }
  if (type.kind !== Kind.STRUCT && type.kind !== Kind.UNION) return undefined;
  for (const member of kernel.members(type)) {
    const inside = kernel.resolve(member.type);
    if (member.name === step) return locate(kernel, inside, rest, bitOffset + member.bitOffset);
    const deeper = member.name === '' ? locate(kernel, inside, steps, bitOffset + member.bitOffset) : undefined;
    if (deeper !== undefined) return deeper;
  }
  return undefined;
}

const refuse = ({ root, steps }: FieldPath, why: string): OperationError =>
  new OperationError(`cannot relocate ${[root, ...steps].join('.')}: ${why}`, { code: 'SL2404' });
