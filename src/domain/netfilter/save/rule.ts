import type { Backend, Counters, Family, Match, Prefix, Rule, RuleOption, Test } from '../model.ts';
import { onlyToken, readMatch, takesOption, type MatchText, type ParsedOption } from '../matches/index.ts';
import { arityOf, canonicalName, HEADER_OPTIONS } from './options.ts';
import { mayTakeOptions, readTarget, type TargetText } from './target.ts';
import { parseError, type Line, type Token } from './tokens.ts';
import { parsePrefixes, parseProtocol, readCounters } from './values.ts';

/** Match that a protocol brings with it when its options are used without `-m`. */
const IMPLIED: Readonly<Record<number, string>> = { 1: 'icmp', 6: 'tcp', 17: 'udp', 33: 'dccp', 58: 'icmp6', 132: 'sctp', 136: 'udplite' };

const LONGEST_INTERFACE = 15;
/** More than any rule has; keeps the time for hostile lines short. */
const MOST_MATCHES = 200;

/** Interfaces that a packet does not have at a hook, which iptables refuses to test there. */
const ABSENT: ReadonlyMap<string, string> = new Map([['PREROUTING', '-o'], ['INPUT', '-o'], ['OUTPUT', '-i'], ['POSTROUTING', '-i']]);

/** What a rule's line gives, in the order it stands. */
interface Parts {
  header: ParsedOption[];
  matches: MatchText[];
  target?: TargetText;
  /** Whatever `-m` or `-j` came last and may own options that nobody knows. */
  last?: { options: ParsedOption[] };
}

export interface RuleContext {
  family: Family;
  backend: Backend;
  /** Chains of the table, for jumps. */
  chains: { has(name: string): boolean };
  /** Options of earlier rules that may be used again. */
  shared: Map<string, RuleOption>;
  line: Line;
}

/**
 * Reads the options after `-A CHAIN`; undefined for a rule marked `-4` or `-6` that is for the other family.
 *
 * @throws ParseError at the column of what is wrong.
 */
export function readRule(tokens: readonly Token[], place: { chain: string; number: number; counters?: Counters }, context: RuleContext): Rule | undefined {
  const { family, backend, line } = context;
  const options = readOptions(tokens, line);
  if (options.some(({ canonical }) => canonical === (family === 'ipv4' ? '-6' : '-4'))) return undefined;
  const parts = assign(options, context);
  const rule: Rule = {
    chain: place.chain, number: place.number, line: line.number,
    ...(place.counters === undefined ? {} : { counters: place.counters }),
    options: options.map((option) => keep(option, context.shared)),
    matches: [],
    target: readTarget(parts.target, context.chains, line),
  };
  for (const option of parts.header) readHeader(rule, option, context);
  rule.matches = parts.matches.map((text): Match => readMatch(text, { protocol: rule.protocol, family, backend }, line));
  return rule;
}

const MOST_SHARED = 10_000;

/** An option without what only errors need. The rules of a big ruleset repeat a few, such as `-p tcp`: sharing them halves its memory. */
function keep({ negated, name, values, joined }: ParsedOption, shared: Map<string, RuleOption>): RuleOption {
  const [only] = values;
  const key = !negated && joined === undefined && values.length === 1 ? `${name} ${only!.raw}` : '';
  const known = shared.get(key);
  if (known !== undefined) return known;
  const option: RuleOption = { negated, name, values: values.map(({ value, raw }) => ({ value, raw })), ...(joined === undefined ? {} : { joined }) };
  if (key !== '' && shared.size < MOST_SHARED) shared.set(key, option);
  return option;
}

const NEVER_NEGATED: ReadonlySet<string> = new Set(['-j', '-g', '-m', '-c', '-4', '-6']);

function readOptions(tokens: readonly Token[], line: Line): ParsedOption[] {
  const options: ParsedOption[] = [];
  for (let i = 0; i < tokens.length; ) {
    const negated = tokens[i]!.raw === '!';
    if (negated) i++;
    const token = tokens[i];
    if (token === undefined || !(isOption(token) || token.raw === '-4' || token.raw === '-6')) throw parseError(line, (token ?? tokens.at(-1)!).column, `'${(token ?? tokens.at(-1)!).value}' is not an option`);
    const { option, end } = readOption(tokens, i, negated, line);
    if (negated && NEVER_NEGATED.has(option.canonical)) throw parseError(line, option.column, `! cannot stand before ${option.name}`);
    options.push(option);
    i = end;
  }
  return options;
}

/** The option at `at` and its values: behind it, or joined to it as `--dport=80`. */
function readOption(tokens: readonly Token[], at: number, negated: boolean, line: Line): { option: ParsedOption; end: number } {
  const token = tokens[at]!;
  const equals = token.raw.startsWith('--') ? token.raw.indexOf('=') : -1;
  const name = equals < 0 ? token.value : token.raw.slice(0, equals);
  const end = equals < 0 ? endOfValues(tokens, at + 1, arityOf(name), token, line) : at + 1;
  const values = equals < 0 ? tokens.slice(at + 1, end) : [{ value: token.value.slice(equals + 1), raw: token.raw.slice(equals + 1), column: token.column + equals + 1 }];
  return {
    option: {
      negated, name, canonical: canonicalName(name), column: token.column, values,
      ...(equals < 0 ? {} : { joined: true as const }),
    },
    end,
  };
}

function endOfValues(tokens: readonly Token[], from: number, arity: number | undefined, name: Token, line: Line): number {
  if (arity !== undefined) {
    // How iptables wrote it until 1.4.
    if (tokens[from]?.raw === '!' && HEADER_OPTIONS.has(canonicalName(name.value))) throw parseError(line, tokens[from].column, `'!' stands before ${name.value}, not behind it`);
    if (from + arity > tokens.length) throw parseError(line, name.column, `${name.value} needs ${arity === 1 ? 'a value' : `${arity} values`}`);
    return from + arity;
  }
  let end = from;
  while (end < tokens.length && !isOption(tokens[end]!) && tokens[end]!.raw !== '!') end++;
  return end;
}

/** A word that starts an option; `-1` and words whose name is quoted do not. */
const isOption = ({ raw }: Token): boolean => /^-[^\d."=][^"=]*(=|$)/.test(raw);

/** Gives every option to the header, a match or the target. */
function assign(options: readonly ParsedOption[], context: RuleContext): Parts {
  const parts: Parts = { header: [], matches: [] };
  for (const option of options) {
    if (HEADER_OPTIONS.has(option.canonical)) addHeader(parts, option, context.line);
    else if (option.canonical === '-m') addMatch(parts, option, context.line);
    else if (option.canonical === '-j' || option.canonical === '-g') addTarget(parts, option, context);
    else ownerOf(option, parts, context.line).push(option);
  }
  return parts;
}

function addHeader({ header }: Parts, option: ParsedOption, line: Line): void {
  if (header.some(({ canonical }) => canonical === option.canonical)) throw parseError(line, option.column, `${option.name} stands twice`);
  header.push(option);
}

function addMatch(parts: Parts, option: ParsedOption, line: Line): void {
  const match: MatchText = { name: onlyToken(option, line).value, column: option.column, options: [] };
  if (parts.matches.push(match) > MOST_MATCHES) throw parseError(line, option.column, `more than ${MOST_MATCHES} matches in one rule`);
  // Options of matches that sluice knows are found by name.
  if (takesOption(match.name, '') === undefined) parts.last = match;
}

function addTarget(parts: Parts, option: ParsedOption, { chains, line }: RuleContext): void {
  if (parts.target !== undefined) throw parseError(line, option.column, 'a rule has one target');
  parts.target = { option, name: onlyToken(option, line).value, options: [] };
  if (option.canonical === '-j' && mayTakeOptions(parts.target.name, chains)) parts.last = parts.target;
}

/** The last match that knows the option, else one that the protocol implies, else what may have options unknown to sluice. */
function ownerOf(option: ParsedOption, parts: Parts, line: Line): ParsedOption[] {
  const owner =
    parts.matches.findLast(({ name }) => takesOption(name, option.canonical) === true) ?? impliedMatch(option, parts, line) ?? parts.last;
  if (owner === undefined) throw parseError(line, option.column, `unknown option '${option.name}'`);
  return owner.options;
}

function impliedMatch(option: ParsedOption, parts: Parts, line: Line): MatchText | undefined {
  const protocol = parts.header.find(({ canonical, negated }) => canonical === '-p' && !negated);
  if (protocol === undefined) return undefined;
  const name = IMPLIED[parseProtocol(onlyToken(protocol, line), line) ?? 0];
  if (name === undefined || takesOption(name, option.canonical) !== true) return undefined;
  const match: MatchText = { name, column: option.column, options: [] };
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
      rule.inInterface = readInterface(option, rule.chain, line);
      break;
    case '-o':
      rule.outInterface = readInterface(option, rule.chain, line);
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
    case '-c':
      rule.counters = readCounters(option.values[0]!, option.values[1]!, line);
      break;
  }
}

function readPrefixes(option: ParsedOption, family: Family, line: Line): Test<Prefix[]> {
  const value = parsePrefixes(onlyToken(option, line), family, line);
  if (option.negated && value.length > 1) throw parseError(line, option.column, '! with a list of addresses');
  return { negated: option.negated, value };
}

function readInterface(option: ParsedOption, chain: string, line: Line): Test<string> {
  const { value, column } = onlyToken(option, line);
  if (value === '') throw parseError(line, column, 'an empty interface name');
  if (Buffer.byteLength(value) > LONGEST_INTERFACE) throw parseError(line, column, `interface name '${value}' is longer than ${LONGEST_INTERFACE} bytes`);
  if (ABSENT.get(chain) === option.canonical) throw parseError(line, option.column, `${option.name} cannot stand in ${chain}`);
  return { negated: option.negated, value };
}
