import { createRequire } from 'node:module';

export type Koffi = typeof import('koffi');

const require = createRequire(import.meta.url);
let koffi: Koffi | undefined;

/** The FFI library, loaded at the first use: most commands of the command line never reach the kernel. */
export function loadKoffi(): Koffi {
  koffi ??= loadNative() ?? (require('koffi') as Koffi);
  return koffi;
}

/**
 * The native half alone, which has all that is used here. The package's JavaScript around it only finds this file, and takes
 * 8 ms to do so.
 *
 * Undefined where the package is laid out in another way or the file is for another libc.
 */
function loadNative(): Koffi | undefined {
  const native = { exports: {} };
  try {
    process.dlopen(native, require.resolve(`@koromix/koffi-linux-${process.arch}/linux_${process.arch}/koffi.node`));
  } catch {
    return undefined;
  }
  return native.exports as Koffi;
}
