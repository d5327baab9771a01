import { readFileSync } from 'node:fs';
import { UnsupportedError } from '../../lib/errors.ts';
import { Btf } from './btf.ts';

/** Where the kernel shows its own types. */
export const KERNEL_BTF = '/sys/kernel/btf/vmlinux';
let loaded: Btf | undefined;

/** Types of the running kernel. @throws UnsupportedError on a kernel without CONFIG_DEBUG_INFO_BTF. */
export function kernelBtf(): Btf {
  if (loaded !== undefined) return loaded;
  let bytes: Buffer;
  try {
    bytes = readFileSync(KERNEL_BTF);
  } catch (error) {
    throw new UnsupportedError('loading eBPF programs', {
      needs: 'a kernel with BTF (CONFIG_DEBUG_INFO_BTF)',
      code: 'SL2403',
      causes: [`${KERNEL_BTF} cannot be read`],
      cause: error,
    });
  }
  loaded = new Btf(bytes, KERNEL_BTF);
  return loaded;
}
