/** What an object takes from the kernel by name: functions and variables declared `extern … __ksym`. */

import { OperationError } from '../../../lib/errors.ts';
import { essentialName, Kind, kernelBtf, type BtfType } from '../../btf/index.ts';
import { STB_WEAK, type ElfSymbol } from '../../elf/index.ts';
import { typesCompatible } from '../core/index.ts';
import type { ObjectFile } from './object-file.ts';

/**
 * Id of a kernel function or variable in the kernel's BTF; 0 for a weak one that this kernel does not have.
 *
 * @throws OperationError SL2405 when it lacks one that is not weak, or has one of another type; SL2401 for a declaration
 *   that is not supported.
 */
export function externId(file: ObjectFile, { name, binding }: ElfSymbol): number {
  const declaration = findDeclaration(file, name);
  const id = kernelBtf().find(essentialName(name), declaration.kind).find((candidate) => isSame(file, declaration, candidate));
  if (id !== undefined) return id;
  if (binding === STB_WEAK) return 0;
  const what = declaration.kind === Kind.FUNC ? 'function' : 'variable';
  throw new OperationError(`${file.source}: this kernel has no ${what} ${name} of that type`, { code: 'SL2405', reason: 'unsupported' });
}

function findDeclaration(file: ObjectFile, name: string): BtfType {
  const declared = sectionMembers(file, '.ksyms').find((type) => type.name === name);
  if (declared !== undefined) return declared;
  if (sectionMembers(file, '.kconfig').some((type) => type.name === name))
    throw file.refuse(`${name} is an option of the kernel's configuration, which is not supported`);
  throw file.refuse(`${name} is neither defined nor declared __ksym`);
}

function sectionMembers({ btf }: ObjectFile, section: string): BtfType[] {
  return btf.find(section, Kind.DATASEC).flatMap((id) => btf.variables(btf.type(id)).map(({ type }) => btf.type(type)));
}

function isSame({ btf }: ObjectFile, { kind, sizeOrType }: BtfType, candidate: number): boolean {
  const kernel = kernelBtf();
  // A variable of type void is only an address.
  if (kind === Kind.VAR && btf.resolve(sizeOrType).kind === Kind.VOID) return false;
  return typesCompatible({ btf, id: sizeOrType }, { btf: kernel, id: kernel.type(candidate).sizeOrType });
}
