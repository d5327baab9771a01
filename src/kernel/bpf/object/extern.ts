/** What an object takes from the kernel by name: functions and variables `extern … __ksym`, options `extern … __kconfig`. */

import { OperationError } from '../../../lib/errors.ts';
import { essentialName, Kind, type BtfType } from '../../btf/index.ts';
import { STB_WEAK, type ElfSymbol } from '../../elf/index.ts';
import { typesCompatible } from '../core/index.ts';
import { symbolAddress } from './kernel-symbols.ts';
import type { KernelType, KernelTypes } from './kernel-types.ts';
import { KCONFIG, type KconfigVariable } from './kconfig.ts';
import type { ObjectFile } from './object-file.ts';

/** A name that is declared, but not defined in the object. */
export interface Declaration {
  /** A kernel function, a variable whose type is known, one of which only the address is, or an option. */
  kind: 'function' | 'variable' | 'address' | 'option';
  name: string;
  weak: boolean;
  /** The FUNC or VAR in the object's BTF. */
  type: BtfType;
}

/** What stands behind a declaration on this kernel; `missing` only for a weak one. */
export type Extern =
  | { kind: 'missing' }
  | ({ kind: 'type' } & KernelType)
  | { kind: 'address'; address: bigint }
  | { kind: 'option'; offset: number };

/**
 * What a symbol without a definition stands for.
 *
 * @throws OperationError SL2401 for a name that is not declared in a way that is supported.
 */
export function declarationOf(file: ObjectFile, { name, binding }: ElfSymbol): Declaration {
  const weak = binding === STB_WEAK;
  const symbol = file.variables('.ksyms').find((type) => type.name === name);
  if (symbol !== undefined) return { kind: kindOf(file, symbol), name, weak, type: symbol };
  const option = file.variables(KCONFIG).find((type) => type.name === name);
  if (option !== undefined) return { kind: 'option', name, weak, type: option };
  throw file.refuse(`${name} is neither defined nor declared __ksym or __kconfig`);
}

function kindOf({ btf }: ObjectFile, { kind, sizeOrType }: BtfType): Declaration['kind'] {
  if (kind === Kind.FUNC) return 'function';
  return btf.resolve(sizeOrType).kind === Kind.VOID ? 'address' : 'variable';
}

/**
 * Finds a declared name in the kernel or its modules.
 *
 * @throws OperationError SL2405 when it lacks one that is not weak, or has one of another type.
 */
export function resolveExtern(file: ObjectFile, declaration: Declaration, types: KernelTypes, options: readonly KconfigVariable[]): Extern {
  const { kind, name, weak } = declaration;
  if (kind === 'option') return { kind, offset: options.find((option) => option.name === name)!.offset };
  const found = kind === 'address' ? addressOf(name) : typeOf(file, declaration, types);
  if (found !== undefined) return found;
  if (weak) return { kind: 'missing' };
  throw new OperationError(`${file.source}: this kernel has no ${kind === 'function' ? 'function' : 'variable'} ${name} of that type`, { code: 'SL2405', reason: 'unsupported' });
}

function typeOf(file: ObjectFile, { name, type: { kind, sizeOrType } }: Declaration, types: KernelTypes): Extern | undefined {
  const isSame = ({ btf, id }: KernelType): boolean => typesCompatible({ btf: file.btf, id: sizeOrType }, { btf, id: btf.type(id).sizeOrType });
  const found = types.find(essentialName(name), kind, isSame);
  return found === undefined ? undefined : { kind: 'type', ...found };
}

function addressOf(name: string): Extern | undefined {
  const address = symbolAddress(name);
  return address === undefined ? undefined : { kind: 'address', address };
}
