/** What answers for the kernel while programs are put together. */

import type { Btf, CoreRelocation } from '../../btf/index.ts';
import type { ElfSymbol } from '../../elf/index.ts';
import { CoreRelocator } from '../core/index.ts';
import type { Resolver } from './assemble.ts';
import { declarationOf, resolveExtern, type Declaration, type Extern } from './extern.ts';
import type { KconfigVariable } from './kconfig.ts';
import type { KernelTypes } from './kernel-types.ts';
import type { ObjectFile } from './object-file.ts';

/** The running kernel. */
export class KernelResolver implements Resolver {
  readonly #file: ObjectFile;
  readonly #types: KernelTypes;
  readonly #options: readonly KconfigVariable[];
  readonly #core: CoreRelocator;
  readonly #externs = new Map<string, Extern>();

  constructor(file: ObjectFile, types: KernelTypes, options: readonly KconfigVariable[]) {
    this.#file = file;
    this.#types = types;
    this.#options = options;
    this.#core = new CoreRelocator(file.btf, () => types.kernel, () => types.modules().map(({ btf }) => btf));
  }

  relocate(code: Buffer, at: number, relocation: CoreRelocation): void {
    this.#core.apply(code, at, relocation);
  }

  extern(symbol: ElfSymbol): Extern {
    const known = this.#externs.get(symbol.name) ?? resolveExtern(this.#file, declarationOf(this.#file, symbol), this.#types, this.#options);
    this.#externs.set(symbol.name, known);
    return known;
  }
}

/** No kernel at all: notes what would be asked of one, and finds relocations that are wrong in themselves. */
export class OfflineResolver implements Resolver {
  readonly #file: ObjectFile;
  readonly #core: CoreRelocator;
  readonly #externs = new Map<string, Declaration>();
  /** Number of CO-RE relocations. */
  relocations = 0;

  constructor(file: ObjectFile) {
    this.#file = file;
    this.#core = new CoreRelocator(file.btf, none, () => []);
  }

  get externs(): Declaration[] {
    return [...this.#externs.values()];
  }

  relocate(code: Buffer, at: number, relocation: CoreRelocation): void {
    this.relocations++;
    this.#core.check(code, at, relocation);
  }

  extern(symbol: ElfSymbol): Extern {
    const declaration = declarationOf(this.#file, symbol);
    this.#externs.set(symbol.name, declaration);
    return declaration.kind === 'option' ? { kind: 'option', offset: 0 } : { kind: 'missing' };
  }
}

function none(): Btf {
  throw new TypeError('a check without the kernel asked for its types');
}
