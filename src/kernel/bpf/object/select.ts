import type { ElfSymbol } from '../../elf/index.ts';
import type { ObjectFile } from './object-file.ts';
import { programHooks, programTypeOf, type ProgramType } from './program-type.ts';

/** A program that is to be loaded. */
export interface SelectedProgram {
  symbol: ElfSymbol;
  section: string;
  kind: ProgramType;
}

/** Which programs of an object are meant. @default all whose section does not begin with `?` */
export interface Selection {
  /** By function name. */
  programs?: readonly string[];
  /** By section. */
  sections?: readonly string[];
}

/**
 * The programs that are meant, with how they are loaded.
 *
 * @throws OperationError SL2401 for a name or section that it does not have; SL2411 for a section whose name means nothing.
 */
export function selectPrograms(file: ObjectFile, { programs, sections }: Selection): SelectedProgram[] {
  const all = file.programs;
  const sectionOf = (symbol: ElfSymbol): string => file.section(symbol).name;
  const named = programs?.map((name) => all.find((symbol) => symbol.name === name) ?? missing(file, `program ${name}`));
  const inSections = sections?.flatMap((section) => {
    const found = all.filter((symbol) => sectionOf(symbol) === section);
    return found.length > 0 ? found : missing(file, `program in section ${section}`);
  });
  const chosen = named === undefined && inSections === undefined
    ? all.filter((symbol) => !sectionOf(symbol).startsWith('?'))
    : [...new Set([...(named ?? []), ...(inSections ?? [])])];
  return chosen.map((symbol) => ({ symbol, section: sectionOf(symbol), kind: programTypeOf(sectionOf(symbol)) ?? unknown(file, symbol.name, sectionOf(symbol)) }));
}

function missing(file: ObjectFile, what: string): never {
  const have = file.programs.map((symbol) => `${symbol.name} (${file.section(symbol).name})`).join(', ');
  throw file.refuse(`no ${what}`, { hints: [have === '' ? 'it has no programs at all' : `it has: ${have}`] });
}

function unknown(file: ObjectFile, program: string, section: string): never {
  const near = programHooks().filter((hook) => section.startsWith(hook) || hook.startsWith(section.split('/')[0]!)).slice(0, 5);
  throw file.refuse(`program ${program} is in section ${section}, whose type is not known`, {
    code: 'SL2411', hints: near.length === 0 ? [] : [`sections that are known: ${near.join(', ')}`],
  });
}
