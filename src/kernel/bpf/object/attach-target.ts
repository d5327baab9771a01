/** What a program is attached to, where the verifier checks it against that: a kernel function, or another program's. */

import { OperationError } from '../../../lib/errors.ts';
import { Kind } from '../../btf/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { parseBtf, readBtfObject } from '../btf-object.ts';
import type { BpfProgram, ProgramSpec } from '../program.ts';
import type { KernelTypes } from './kernel-types.ts';
import type { ObjectFile } from './object-file.ts';
import type { ProgramType } from './program-type.ts';

/**
 * The target of a program, undefined for types that have none.
 *
 * @param target the program that it replaces a function of, or traces
 * @throws OperationError SL2405 when the kernel has no such function; SL2401 when the section does not name one; SL2407
 *   when it needs a program to be attached to and none is given.
 */
export function attachTarget(file: ObjectFile, name: string, kind: ProgramType, types: KernelTypes, target: BpfProgram | undefined): ProgramSpec['attach'] {
  if (kind.type === uapi.BPF_PROG_TYPE_EXT && target === undefined)
    throw new OperationError(`${file.source}: ${name} replaces a function of another program`, {
      code: 'SL2407', reason: 'usage', hints: ['name that program: --target PROGRAM'],
    });
  const tracesProgram = kind.type === uapi.BPF_PROG_TYPE_TRACING && kind.attach?.prefix === '' && target !== undefined;
  if (kind.type === uapi.BPF_PROG_TYPE_EXT || tracesProgram) return programFunction(file, kind.target ?? name, target!);
  return kind.attach === undefined ? undefined : kernelFunction(file, name, kind, types);
}

function kernelFunction(file: ObjectFile, program: string, { hook, target, attach }: ProgramType, types: KernelTypes): ProgramSpec['attach'] {
  if (target === undefined) throw file.refuse(`section ${hook} of ${program} does not say what to attach to: SEC("${hook}/NAME")`);
  const found = types.find(attach!.prefix + target, attach!.kind);
  if (found === undefined)
    throw new OperationError(`${file.source}: this kernel has no ${WHAT[attach!.prefix]} ${target}, which ${program} is for`, {
      code: 'SL2405', reason: 'unsupported', hints: [`what there is: sluice bpf btf dump vmlinux | grep "'${attach!.prefix}"`],
    });
  return { typeId: found.id, ...(found.module === undefined ? {} : { in: found.module }) };
}

/** By prefix of the type. */
const WHAT: Readonly<Record<string, string>> = { '': 'function', btf_trace_: 'tracepoint', bpf_lsm_: 'LSM hook', bpf_iter_: 'iterator' };

function programFunction(file: ObjectFile, name: string, target: BpfProgram): ProgramSpec['attach'] {
  const object = readBtfObject(target.info().btfId);
  const id = object === undefined ? undefined : parseBtf(object).find(name, Kind.FUNC)[0];
  if (id === undefined)
    throw new OperationError(`${file.source}: program ${target.name} has no function ${name}`, {
      code: 'SL2407', reason: 'usage', causes: object === undefined ? ['it was loaded without BTF'] : [],
    });
  return { typeId: id, in: target.fd };
}
