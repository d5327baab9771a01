import type { Counters, Family, Match, Prefix, Rule, Test } from '../model.ts';
import { onlyToken, readMatch, takesOption, type MatchText, type ParsedOption } from '../matches/index.ts';
import { arityOf, canonicalName, HEADER_OPTIONS } from './options.ts';
import { readTarget, type TargetText } from './target.ts';
import { parseError, type Line, type Token } from './tokens.ts';
import { parsePrefixes, parseProtocol } from './values.ts';

/** Match that a protocol brings with it when its options are used without `-m`. */
const IMPLIED: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 33: 'dccp', 58: 'icmp6', 132: 'sctp', 136: 'udplite' };

const LONGEST_INTERFACE = 15;

/** What a rule's line gives, in the order it stands. */
interface Parts {
  header: ParsedOption[];
  matches: MatchText[];
  target?: TargetText;
}

export interface RuleContext {
  family: Family;
  /** Chains of the table, for jumps. */
  chains: { has(name: string): boolean };
  line: Line;
}

/** Reads the options after `-A CHAIN`. @throws ParseError at the column of what is wrong. */
export function readRule(tokens: readonly Token[], place: { chain: string; number: number; counters?: Counters }, context: RuleContext): Rule {
  const options = readOptions(tokens, context.line);
  const parts = assign(options, context);
  const rule: Rule = {
    chain: place.chain, number: place.number, line: context.line.number,
    ...(place.counters === undefined ? {} : { counters: place.counters }),
    options: options.map(({ negated, name, values }) => ({ negated, name, values })),
    matches: parts.matches.map((text): Match => readMatch(text, context.family, context.line)),
    target: readTarget(parts.target, context.chains, context.line),
  };
  for (const option of parts.header) readHeader(rule, option, context);
  return rule;
}

function readOptions(tokens: readonly Token[], line: Line): ParsedOption[] {
  const options: ParsedOption[] = [];
  for (let i = 0; i < tokens.length; ) {
    const negated = tokens[i]!.value === '!';
    if (negated) i++;
    const name = tokens[i];
    if (name === undefined || !isOption(name)) throw parseError(line, (name ?? tokens.at(-1)!).column, `'${(name ?? tokens.at(-1)!).value}' is not an option`);
    const end = endOfValues(tokens, i + 1, arityOf(name.value), name, line);
    const values = tokens.slice(i + 1, end);
    options.push({
      negated, name: name.value, canonical: canonicalName(name.value), column: name.column, tokens: values,
      values: values.map(({ value, raw }) => ({ value, raw })),
    });
    i = end;
  }
  return options;
}

function endOfValues(tokens: readonly Token[], from: number, arity: number | undefined, name: Token, line: Line): number {
  if (arity !== undefined) {
    if (from + arity > tokens.length) throw parseError(line, name.column, `${name.value} needs ${arity === 1 ? 'a value' : `${arity} values`}`);
    return from + arity;
  }
  let end = from;
  while (end < tokens.length && !isOption(tokens[end]!) && tokens[end]!.raw !== '!') end++;
  return end;
}

/** A word that starts an option; `-1` and quoted words do not. */
const isOption = ({ raw }: Token): boolean => raw.startsWith('-') && !/^-[\d.]/.test(raw) && raw.length > 1;

/** Gives every option to the header, a match or the target. */
function assign(options: readonly ParsedOption[], { line }: RuleContext): Parts {
  const parts: Parts = { header: [], matches: [] };
  for (const option of options) {
    if (HEADER_OPTIONS.has(option.canonical)) parts.header.push(option);
    else if (option.canonical === '-m') parts.matches.push({ name: onlyToken(option, line).value, options: [] });
    else if (option.canonical === '-j' || option.canonical === '-g') {
      if (parts.target !== undefined) throw parseError(line, option.column, 'a rule has one target');
      parts.target = { option, name: onlyToken(option, line).value, options: [] };
    } else ownerOf(option, parts, line).push(option);
  }
  return parts;
}

/** The last match that knows the option, else the target, else the last match that sluice does not know. */
function ownerOf(option: ParsedOption, parts: Parts, line: Line): ParsedOption[] {
  const known = parts.matches.findLast(({ name }) => takesOption(name, option.canonical) === true);
  if (known !== undefined) return known.options;
  if (parts.target !== undefined) return parts.target.options;
  const implied = impliedMatch(option, parts, line);
  if (implied !== undefined) return implied.options;
  const opaque = parts.matches.findLast(({ name }) => takesOption(name, option.canonical) === undefined);
  if (opaque !== undefined) return opaque.options;
  throw parseError(line, option.column, `unknown option '${option.name}'`);
}

function impliedMatch(option: ParsedOption, parts: Parts, line: Line): MatchText | undefined {
  const protocol = parts.header.find(({ canonical, negated }) => canonical === '-p' && !negated);
  if (protocol === undefined) return undefined;
  const name = IMPLIED[parseProtocol(onlyToken(protocol, line), line) ?? 0];
  if (name === undefined || takesOption(name, option.canonical) !== true) return undefined;
  const match: MatchText = { name, options: [] };
  parts.matches.push(match);
  return match;
}

function readHeader(rule: Rule, option: ParsedOption, { family, line }: RuleContext): void {
  switch (option.canonical) {
    case '-s':
      rule.source = readPrefixes(option, family, line);
      break;
    case '-d':
      rule.destination = readPrefixes(option, family, line);
      break;
    case '-i':
      rule.inInterface = readInterface(option, line);
      break;
    case '-o':
      rule.outInterface = readInterface(option, line);
      break;
    case '-p': {
      const value = parseProtocol(onlyToken(option, line), line);
      if (value === undefined && option.negated) throw parseError(line, option.column, '! -p all matches nothing');
      if (value !== undefined) rule.protocol = { negated: option.negated, value };
      break;
    }
    case '-f':
      if (family === 'ipv6') throw parseError(line, option.column, '-f is for IPv4 only');
      rule.fragment = { negated: option.negated, value: true };
      break;
  }
}

function readPrefixes(option: ParsedOption, family: Family, line: Line): Test<Prefix[]> {
  const value = parsePrefixes(onlyToken(option, line), family, line);
  if (option.negated && value.length > 1) throw parseError(line, option.column, '! with a list of addresses');
  return { negated: option.negated, value };
}

function readInterface(option: ParsedOption, line: Line): Test<string> {
  const { value, column } = onlyToken(option, line);
  if (Buffer.byteLength(value) > LONGEST_INTERFACE) throw parseError(line, column, `interface name '${value}' is longer than ${LONGEST_INTERFACE} bytes`);
  return { negated: option.negated, value };
}
