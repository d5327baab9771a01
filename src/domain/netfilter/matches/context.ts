import type { Family, Match, RuleOption } from '../model.ts';
import { canonicalName } from '../save/options.ts';
import { parseError, type Line, type Token } from '../save/tokens.ts';

/** An option with the columns of its words. */
export interface ParsedOption extends RuleOption {
  /** The name that iptables-save uses. */
  canonical: string;
  tokens: Token[];
  column: number;
}

/** A match as it stood: `-m NAME` and its options. */
export interface MatchText {
  name: string;
  options: ParsedOption[];
}

export interface MatchReader {
  /** Options that belong to the match, by canonical name. */
  options: ReadonlySet<string>;
  read(text: MatchText, family: Family, line: Line): Match;
}

/** The only word of an option. */
export function onlyToken(option: ParsedOption, line: Line): Token {
  if (option.tokens.length !== 1) throw parseError(line, option.column, `${option.name} takes one value`);
  return option.tokens[0]!;
}

/** An option as text, to keep what is not interpreted. */
export const optionText = ({ negated, name, values }: RuleOption): string =>
  [negated ? '! ' : '', name, ...values.map(({ raw }) => ` ${raw}`)].join('');

/** The option of a name, if the match has it. */
export const optionOf = ({ options }: MatchText, name: string): ParsedOption | undefined =>
  options.find((option) => canonicalName(option.name) === name);

/** Everything but the options in `known`, as text. */
export const remaining = ({ options }: MatchText, known: ReadonlySet<string>): string[] =>
  options.filter((option) => !known.has(option.canonical)).map(optionText);
