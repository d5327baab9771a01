import { basename } from 'node:path';
import { OperationError, type ErrorFacts } from '../../../lib/errors.ts';
import { Btf, Kind, readExtensions, type BtfType, type Extensions } from '../../btf/index.ts';
import { readElf, STB_LOCAL, STT_FUNC, STT_SECTION, type Elf, type ElfSymbol, type Relocation, type Section } from '../../elf/index.ts';
import { cString } from '../info.ts';

/** Sections whose loss would change what programs do. */
const UNSUPPORTED: readonly (readonly [name: RegExp, why: string])[] = [
  [/^maps(\/|$)/, 'has map definitions of the old form, without types; declare maps in SEC(".maps")'],
  [/^\.addr_space\./, 'has variables in an arena, which are not supported; allocate them with bpf_arena_alloc_pages()'],
  [/^\?\.struct_ops/, 'has tables of functions that are only loaded on request, which is not supported; drop the ?'],
];

const position = (type: number, section: number, value: number): string => `${type}:${section}:${value}`;

/** A compiled object as read from the file: nothing of it is in the kernel. */
export class ObjectFile {
  /** Names the file in errors. */
  readonly source: string;
  readonly elf: Elf;
  readonly btf: Btf;
  readonly extensions: Extensions;
  readonly #symbols: ReadonlyMap<string, ElfSymbol>;
  readonly #positions: ReadonlyMap<string, ElfSymbol>;
  readonly #variables = new Map<string, ReadonlyMap<string, number>>();

  /** @throws OperationError SL2401, SL2402 when it is no BPF object with BTF, or damaged. */
  constructor(bytes: Buffer, source: string) {
    this.source = source;
    this.elf = readElf(bytes, source);
    this.#checkSections();
    const btf = this.#find('.BTF');
    if (btf === undefined) throw this.refuse('it has no BTF; compile with -g');
    this.btf = new Btf(btf.data, source);
    this.extensions = readExtensions(this.#find('.BTF.ext')?.data ?? Buffer.alloc(0), this.btf);
    const named = this.elf.symbols.filter(({ name, type }) => name !== '' && type !== STT_SECTION);
    // The first of a name counts, and one that others can see before those that they cannot.
    this.#symbols = new Map(named.toSorted((a, b) => Number(a.binding !== STB_LOCAL) - Number(b.binding !== STB_LOCAL)).map((symbol) => [symbol.name, symbol]));
    this.#positions = new Map(named.toReversed().map((symbol) => [position(symbol.type, symbol.section, symbol.value), symbol]));
  }

  /** Name of the file without folder and endings: `xdp_drop` of `/tmp/xdp_drop.bpf.o`. */
  get name(): string {
    return basename(this.source).replace(/\..*$/, '');
  }

  symbolNamed(name: string): ElfSymbol | undefined {
    return this.#symbols.get(name);
  }

  /** The symbol of a type that starts at byte `value` of a section. */
  symbolAt(type: number, section: number, value: number): ElfSymbol | undefined {
    return this.#positions.get(position(type, section, value));
  }

  /** What BTF lists as the variables and functions of a section. */
  variables(section: string): BtfType[] {
    return this.btf.find(section, Kind.DATASEC).flatMap((id) => this.btf.variables(this.btf.type(id)).map(({ type }) => this.btf.type(type)));
  }

  /** Types of the variables of a section by name. */
  variableTypes(section: string): ReadonlyMap<string, number> {
    const known = this.#variables.get(section) ?? new Map(this.variables(section).map(({ name, sizeOrType }) => [name, sizeOrType]));
    this.#variables.set(section, known);
    return known;
  }

  /** The section of a name, if there is one. */
  sectionNamed(name: string): Section | undefined {
    return this.#find(name);
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

  refuse(what: string, facts: Partial<ErrorFacts> = {}): OperationError {
    return new OperationError(`${this.source}: ${what}`, { code: 'SL2401', reason: 'usage', ...facts });
  }

  #checkSections(): void {
    for (const { name } of this.elf.sections) {
      const why = UNSUPPORTED.find(([pattern]) => pattern.test(name))?.[1];
      if (why !== undefined) throw this.refuse(`section ${name} ${why}`, { code: 'SL2411' });
    }
  }

  #find(name: string): Section | undefined {
    return this.elf.sections.find((section) => section.name === name);
  }
}
