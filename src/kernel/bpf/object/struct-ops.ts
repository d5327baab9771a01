/**
 * struct_ops: tables of functions that the kernel calls, as variables of section `.struct_ops` or `.struct_ops.link`.
 *
 * A variable becomes a map with one value in the layout of the kernel's own struct, where a program's descriptor stands for
 * each function. What the kernel's struct lacks must be zero in the object's.
 *
 * @kernel bpf_struct_ops.c; libbpf bpf_map__init_kern_struct_ops
 */

import { OperationError } from '../../../lib/errors.ts';
import { essentialName, Kind, type Btf, type BtfType, type Member } from '../../btf/index.ts';
import type { Section } from '../../elf/index.ts';
import type { Fd } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { BpfMap, indexKey, type MapSpec } from '../map.ts';
import type { ProgramSpec } from '../program.ts';
import type { KernelTypes } from './kernel-types.ts';
import type { ObjectFile } from './object-file.ts';

/** What a variable says, fitted to the running kernel. */
export interface StructOpsDefinition {
  spec: MapSpec;
  /** Type of the value in the kernel's BTF. */
  valueType: number;
  /** The value without its functions. */
  value: Buffer;
  /** Where the descriptors of programs go, and what their programs are attached to. */
  functions: { program: string; offset: number; attach: NonNullable<ProgramSpec['attach']>; member: number }[];
}

/** A table of functions in the kernel. */
export interface StructOps {
  map: BpfMap;
  /** Whether a link puts it in force; without one it is in force as soon as it is registered. */
  usesLink: boolean;
  /** Hands the functions over. @throws SyscallError for a table that is incomplete, or EEXIST where its name is taken. */
  register(): void;
}

/** Reads all tables of an object. @throws OperationError SL2405 for one that this kernel does not know; SL2412 for one that does not fit. */
export function readStructOps(file: ObjectFile, types: KernelTypes): StructOpsDefinition[] {
  const sections = file.elf.sections.filter(({ name }) => /^\.struct_ops(\.link)?$/.test(name));
  return sections.flatMap((section) => [...file.variableTypes(section.name)].map(([name, type]) => define(file, section, name, type, types)));
}

/** Makes the map of a table; `btf` is that of the object, which the kernel wants to see, `descriptorOf` gives programs by name, undefined for those that were not loaded. */
export function createStructOps({ spec, valueType, value, functions }: StructOpsDefinition, btf: Fd, descriptorOf: (program: string) => number | undefined): StructOps {
  const map = BpfMap.create(spec, { types: { fd: btf, key: 0, value: 0 }, kernelValueType: valueType });
  const register = (): void => {
    for (const { program, offset } of functions) value.writeBigUInt64LE(BigInt(descriptorOf(program) ?? 0), offset);
    map.update(indexKey(0), value);
  };
  return { map, usesLink: (spec.flags & uapi.BPF_F_LINK) !== 0, register };
}

function define(file: ObjectFile, section: Section, name: string, localType: number, types: KernelTypes): StructOpsDefinition {
  const local = file.btf.resolve(localType);
  const kernelName = essentialName(local.name);
  const table = types.kernel.find(kernelName, Kind.STRUCT)[0];
  const wrapper = types.kernel.find(`bpf_struct_ops_${kernelName}`, Kind.STRUCT)[0];
  if (table === undefined || wrapper === undefined)
    throw new OperationError(`${file.source}: this kernel takes no programs for ${kernelName}, which ${name} is`, { code: 'SL2405', reason: 'unsupported' });
  const [ops, value] = [types.kernel.type(table), types.kernel.type(wrapper)];
  const start = types.kernel.members(value).find(({ type }) => type === table)!.bitOffset / 8;
  const spec: MapSpec = {
    name, type: uapi.BPF_MAP_TYPE_STRUCT_OPS, keySize: 4, valueSize: value.sizeOrType, maxEntries: 1, flags: section.name.endsWith('.link') ? uapi.BPF_F_LINK : 0,
  };
  return { spec, valueType: wrapper, ...fill({ file, section, name, local, kernel: types.kernel, ops, start, value: Buffer.alloc(value.sizeOrType) }) };
}

interface Filling {
  file: ObjectFile;
  section: Section;
  name: string;
  local: BtfType;
  kernel: Btf;
  /** The kernel's struct, and where it lies in the value. */
  ops: BtfType;
  start: number;
  value: Buffer;
}

function fill(filling: Filling): Pick<StructOpsDefinition, 'value' | 'functions'> {
  const { file, section, name, local, kernel, ops, start, value } = filling;
  const at = file.symbolNamed(name)?.value;
  if (at === undefined) throw unfit(file, `${name} has no place in section ${section.name}`);
  const programs = new Map(file.relocations(section).map(({ offset, symbol }) => [offset, file.symbolAt(symbol.type, symbol.section, symbol.value)?.name ?? symbol.name]));
  const members = kernel.members(ops);
  const functions: StructOpsDefinition['functions'] = [];
  for (const member of file.btf.members(local)) {
    const from = at + member.bitOffset / 8;
    const data = section.data.subarray(from, from + file.btf.sizeOf(member.type));
    const index = members.findIndex((candidate) => candidate.name === member.name);
    const program = programs.get(from);
    if (index < 0) checkEmpty(filling, member, data, program);
    else if (program === undefined) copy(filling, member, members[index]!, data);
    else functions.push({ program, offset: start + members[index]!.bitOffset / 8, attach: { typeId: ops.id }, member: index });
  }
  return { value, functions };
}

function checkEmpty({ file, name, local }: Filling, { name: member }: Member, data: Buffer, program: string | undefined): void {
  if (program !== undefined || data.some((byte) => byte !== 0)) throw unfit(file, `${name}.${member} is set, which ${local.name} of this kernel does not have`);
}

function copy({ file, name, kernel, start, value }: Filling, local: Member, target: Member, data: Buffer): void {
  if (local.bitSize > 0 || target.bitSize > 0) throw unfit(file, `${name}.${local.name} is a bit field`);
  const pointer = kernel.resolve(target.type).kind === Kind.PTR;
  // Functions that are not there stay 0; the kernel fills in its own data behind pointers.
  if (!data.some((byte) => byte !== 0)) return;
  if (pointer || data.length !== kernel.sizeOf(target.type)) throw unfit(file, `${name}.${local.name} is of another size or kind in this kernel`);
  data.copy(value, start + target.bitOffset / 8);
}

const unfit = (file: ObjectFile, what: string): OperationError => new OperationError(`${file.source}: ${what}`, { code: 'SL2412', reason: 'usage' });
