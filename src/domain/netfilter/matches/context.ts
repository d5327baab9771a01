import type { Family, Match, RuleOption } from '../model.ts';
import { parseError, type Line, type Token } from '../save/tokens.ts';

/** An option with the columns of its words; it becomes part of the rule as it is. */
export interface ParsedOption extends RuleOption {
  /** The name that iptables-save uses. */
  canonical: string;
  values: Token[];
  column: number;
}

/** A match as it stood: `-m NAME` and its options. */
export interface MatchText {
  name: string;
  column: number;
  options: ParsedOption[];
}

export interface MatchReader {
  /** Options that belong to the match, by canonical name; each may stand once. */
  options: ReadonlySet<string>;
  /** The match works only in rules with `-p` of one of these, not negated. */
  protocols?: ReadonlySet<number>;
  read(text: MatchText, family: Family, line: Line): Match;
}

/** The only word of an option. */
export function onlyToken(option: ParsedOption, line: Line): Token {
  if (option.values.length !== 1) throw parseError(line, option.column, `${option.name} takes one value`);
  return option.values[0]!;
}

/** The words of an option as they stood. */
export function optionWords({ negated, name, values, joined }: RuleOption): string[] {
  const raw = values.map((value) => value.raw);
  const words = joined === true ? [`${name}=${raw[0]}`] : [name, ...raw];
  return negated ? ['!', ...words] : words;
}

/** An option as text, to keep what is not interpreted. */
export const optionText = (option: RuleOption): string => optionWords(option).join(' ');

/** The option of a name, if the match has it. */
export const optionOf = ({ options }: MatchText, name: string): ParsedOption | undefined => options.find(({ canonical }) => canonical === name);

/** Everything but the options in `known`, as text. */
export const remaining = ({ options }: MatchText, known: ReadonlySet<string>): string[] =>
  options.filter((option) => !known.has(option.canonical)).map(optionText);
