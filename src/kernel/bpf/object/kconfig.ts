/**
 * Options of the kernel's configuration, as variables: `extern bool CONFIG_BPF_JIT __kconfig`. They become a read-only map
 * `.kconfig`, laid out here and filled from the running kernel.
 *
 * @kernel libbpf bpf_object__collect_externs, set_kcfg_value_*
 */

import { OperationError } from '../../../lib/errors.ts';
import { Kind, type Btf, type BtfType } from '../../btf/index.ts';
import { STB_WEAK } from '../../elf/index.ts';
import { kernelConfig, kernelVersion } from './kernel-config.ts';
import type { ObjectFile } from './object-file.ts';

/** The section of BTF that lists the options, and the map that holds them. */
export const KCONFIG = '.kconfig';

/** A variable in the map `.kconfig`. */
export interface KconfigVariable {
  name: string;
  /** Its type, without qualifiers. */
  type: BtfType;
  offset: number;
  size: number;
  /** Whether 0 is taken where the kernel has no such option. */
  weak: boolean;
}

/** Largest alignment first, then size and name: as libbpf lays them out. */
export function layOutKconfig(file: ObjectFile): KconfigVariable[] {
  const { btf } = file;
  const found = file.variables(KCONFIG).map(({ name, sizeOrType }) => {
    const type = btf.resolve(sizeOrType);
    return { name, type, size: btf.sizeOf(type.id), align: alignmentOf(btf, type), weak: isWeak(file, name) };
  });
  found.sort((a, b) => b.align - a.align || b.size - a.size || (a.name < b.name ? -1 : 1));
  let end = 0;
  return found.map(({ align, ...variable }) => {
    const offset = Math.ceil(end / align) * align;
    end = offset + variable.size;
    return { ...variable, offset };
  });
}

/** Bytes that the map takes. */
export const kconfigSize = (variables: readonly KconfigVariable[]): number => Math.max(0, ...variables.map(({ offset, size }) => offset + size));

/**
 * What the map holds on this kernel.
 *
 * @throws OperationError SL2405 for an option that the kernel does not have and that is not weak; SL2406 for a value that
 *   the variable cannot hold.
 */
export function kconfigContent(file: ObjectFile, variables: readonly KconfigVariable[]): Buffer {
  const content = Buffer.alloc(kconfigSize(variables));
  for (const variable of variables) {
    const value = valueOf(variable.name);
    if (value !== undefined) setValue(file, content, variable, value);
    else if (!variable.weak)
      throw new OperationError(`${file.source}: this kernel's configuration has no ${variable.name}`, {
        code: 'SL2405', reason: 'unsupported', hints: [`declare it __weak and compare with 0`, 'the configuration is read from /proc/config.gz or /boot/config-*'],
      });
  }
  return content;
}

/** Of what these variables can be: numbers, enums and text. */
const alignmentOf = (btf: Btf, type: BtfType): number => Math.max(1, btf.sizeOf(type.kind === Kind.ARRAY ? btf.array(type).element : type.id));

/** BTF_INT_BOOL */
const isBool = (btf: Btf, { id }: BtfType): boolean => ((btf.rawType(id)[3]! >>> 24) & 4) !== 0;

const isWeak = (file: ObjectFile, name: string): boolean => file.symbolNamed(name)?.binding === STB_WEAK;

/** Names that are no options, but facts that libbpf provides in the same way. */
const VIRTUAL: Readonly<Record<string, () => string>> = {
  LINUX_KERNEL_VERSION: () => String(kernelVersion()),
  // bpf_get_attach_cookie() came with Linux 5.15; wrappers of system calls with 4.17, on both architectures.
  LINUX_HAS_BPF_COOKIE: () => (kernelVersion() >= kernelVersion('5.15') ? '1' : '0'),
  LINUX_HAS_SYSCALL_WRAPPER: () => '1',
};

const valueOf = (name: string): string | undefined => (Object.hasOwn(VIRTUAL, name) ? VIRTUAL[name]!() : kernelConfig().get(name));

const TRISTATE = ['n', 'y', 'm'];

function setValue(file: ObjectFile, content: Buffer, { name, type, offset, size }: KconfigVariable, text: string): void {
  const bytes = encodeValue(file.btf, type, size, text);
  if (bytes === undefined || bytes.length > size)
    throw new OperationError(`${file.source}: ${name} is ${text} in this kernel, which its type cannot hold`, { code: 'SL2406', reason: 'usage' });
  bytes.copy(content, offset);
}

function encodeValue(btf: Btf, type: BtfType, size: number, text: string): Buffer | undefined {
  if (text.startsWith('"')) return type.kind === Kind.ARRAY ? textBytes(text, size) : undefined;
  const state = TRISTATE.indexOf(text);
  if (isTristate(type)) return state < 0 ? undefined : integer(BigInt(state), size, false);
  if (type.kind !== Kind.INT) return undefined;
  if (state >= 0) return stateBytes(btf, type, size, text);
  return /^-?(0x[0-9a-f]+|\d+)$/i.test(text) ? integer(numberOf(text), size, btf.isSigned(type)) : undefined;
}

const isTristate = ({ kind, name }: BtfType): boolean => (kind === Kind.ENUM || kind === Kind.ENUM64) && name === 'libbpf_tristate';

/** `y`, `m` or `n` in a bool, or as a character. */
function stateBytes(btf: Btf, type: BtfType, size: number, text: string): Buffer | undefined {
  if (isBool(btf, type)) return text === 'm' ? undefined : Buffer.from([text === 'y' ? 1 : 0]);
  return size === 1 ? Buffer.from(text, 'latin1') : undefined;
}

/** Cut to leave room for the NUL. */
const textBytes = (text: string, size: number): Buffer => Buffer.from(`${text.replaceAll('"', '').slice(0, size - 1)}\0`, 'latin1');

const numberOf = (text: string): bigint => (text.startsWith('-') ? -BigInt(text.slice(1)) : BigInt(text));

/** Little endian; undefined where it does not fit. */
function integer(value: bigint, size: number, signed: boolean): Buffer | undefined {
  const bits = size * 8;
  if ((signed ? BigInt.asIntN(bits, value) : BigInt.asUintN(bits, value)) !== value) return undefined;
  const bytes = Buffer.alloc(8);
  bytes.writeBigUInt64LE(BigInt.asUintN(64, value));
  return bytes.subarray(0, size);
}
