import { OperationError } from '../../../lib/errors.ts';
import { Btf, readExtensions, type Extensions } from '../../btf/index.ts';
import { readElf, STT_FUNC, type Elf, type ElfSymbol, type Relocation, type Section } from '../../elf/index.ts';
import { cString } from '../info.ts';

/** A compiled object as read from the file: nothing of it is in the kernel. */
export class ObjectFile {
  /** Names the file in errors. */
  readonly source: string;
  readonly elf: Elf;
  readonly btf: Btf;
  readonly extensions: Extensions;

  /** @throws OperationError SL2401, SL2402 when it is no BPF object with BTF, or damaged. */
  constructor(bytes: Buffer, source: string) {
    this.source = source;
    this.elf = readElf(bytes, source);
    const btf = this.#find('.BTF');
    if (btf === undefined) throw this.refuse('it has no BTF; compile with -g');
    this.btf = new Btf(btf.data, source);
    this.extensions = readExtensions(this.#find('.BTF.ext')?.data ?? Buffer.alloc(0), this.btf);
  }

  /** Licence of its programs; empty without one, which forbids helpers that are only for the GPL. */
  get license(): string {
    return cString(this.#find('license')?.data ?? Buffer.alloc(0));
  }

  /** Functions outside of `.text`: those are called by programs, but are none. */
  get programs(): ElfSymbol[] {
    return this.elf.symbols.filter((symbol) => symbol.type === STT_FUNC && this.isCode(symbol) && this.section(symbol).name !== '.text');
  }

  isCode({ section }: ElfSymbol): boolean {
    return this.elf.sections[section]?.executable === true;
  }

  /** The section of a symbol. @throws OperationError SL2401 for an undefined one. */
  section({ section, name }: ElfSymbol): Section {
    const found = section === 0 ? undefined : this.elf.sections[section];
    if (found === undefined) throw this.refuse(`${name} is not defined in it`);
    return found;
  }

  /** The instructions of a function. @throws OperationError SL2401 where they are not whole or not inside their section. */
  code(symbol: ElfSymbol): Buffer {
    const { data, name } = this.section(symbol);
    const { value, size } = symbol;
    if (size === 0 || size % 8 !== 0 || value % 8 !== 0 || value + size > data.length) throw this.refuse(`function ${symbol.name} does not fit into ${name}`);
    return Buffer.from(data.subarray(value, value + size));
  }

  relocations({ index }: Section): readonly Relocation[] {
    return this.elf.relocations.get(index) ?? [];
  }

  refuse(what: string): OperationError {
    return new OperationError(`${this.source}: ${what}`, { code: 'SL2401', reason: 'usage' });
  }

  #find(name: string): Section | undefined {
    return this.elf.sections.find((section) => section.name === name);
  }
}
