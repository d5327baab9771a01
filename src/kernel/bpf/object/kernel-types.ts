/** Types of the running kernel and of its modules, for one load. */

import { SyscallError } from '../../../lib/errors.ts';
import { kernelBtf, type Btf } from '../../btf/index.ts';
import type { Fd } from '../../syscalls/index.ts';
import { btfSummary, parseBtf, readBtfObject } from '../btf-object.ts';
import { objectIds, openById } from '../ids.ts';

/** A type by its id; `module` is the descriptor of the module's BTF, absent for the kernel itself. */
export interface KernelType {
  btf: Btf;
  id: number;
  module?: Fd;
}

interface Module {
  btf: Btf;
  fd: Fd;
}

/** Looks in the kernel first and, only for what it lacks, in its modules; `close` gives the modules' descriptors back. */
export class KernelTypes {
  #modules: Module[] | undefined;

  get kernel(): Btf {
    return kernelBtf();
  }

  /** Types of a name and kind that `accept`, in the kernel or else in the first module that has one. */
  find(name: string, kind: number, accept: (type: KernelType) => boolean = () => true): KernelType | undefined {
    const own = this.kernel.find(name, kind).map((id) => ({ btf: this.kernel, id })).find(accept);
    if (own !== undefined) return own;
    for (const { btf, fd } of this.modules()) {
      const found = btf.find(name, kind).filter((id) => id >= btf.firstId).map((id) => ({ btf, id, module: fd })).find(accept);
      if (found !== undefined) return found;
    }
    return undefined;
  }

  /** BTF of all loaded modules; none for a process that may not see them. */
  modules(): readonly Module[] {
    this.#modules ??= openModules();
    return this.#modules;
  }

  close(): void {
    for (const { fd } of this.#modules ?? []) fd.close();
    this.#modules = undefined;
  }
}

function openModules(): Module[] {
  try {
    return [...objectIds('btf')].flatMap(openModule);
  } catch (error) {
    if (error instanceof SyscallError && error.reason === 'permission') return [];
    throw error;
  }
}

function openModule(id: number): Module[] {
  const fd = openById('btf', id);
  if (fd === undefined) return [];
  const { name, isKernel } = btfSummary(fd);
  const object = isKernel && name !== 'vmlinux' ? readBtfObject(id) : undefined;
  if (object !== undefined) return [{ btf: parseBtf(object), fd }];
  fd.close();
  return [];
}
