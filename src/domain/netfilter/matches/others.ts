import type { ConntrackMatch, ConntrackState, Family, IprangeMatch, Test } from '../model.ts';
import { parseError, type Line } from '../save/tokens.ts';
import { parseFamilyAddress, parseMasked, splitWord } from '../save/values.ts';
import { onlyToken, optionOf, remaining, type MatchReader, type MatchText, type ParsedOption } from './context.ts';

const STATES: ReadonlySet<string> = new Set(['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED', 'SNAT', 'DNAT']);

const stateReader = (kind: ConntrackMatch['kind'], optionName: string, further: readonly string[]): MatchReader => ({
  options: new Set([optionName, ...further]),
  read: (text, _family, line): ConntrackMatch => {
    if (text.options.length === 0) throw parseError(line, text.column, `-m ${kind} needs an option`);
    const option = optionOf(text, optionName);
    return { kind, ...(option === undefined ? {} : { states: readStates(kind, option, line) }), uninterpreted: remaining(text, new Set([optionName])) };
  },
});

/** `-m conntrack` */
export const conntrack = stateReader('conntrack', '--ctstate', [
  '--ctproto', '--ctorigsrc', '--ctorigdst', '--ctreplsrc', '--ctrepldst', '--ctorigsrcport', '--ctorigdstport', '--ctreplsrcport',
  '--ctrepldstport', '--ctstatus', '--ctexpire', '--ctdir',
]);
/** `-m state` */
export const state = stateReader('state', '--state', []);

function readStates(kind: ConntrackMatch['kind'], option: ParsedOption, line: Line): Test<ConntrackState[]> {
  const token = onlyToken(option, line);
  const states = splitWord({ ...token, value: token.value.toUpperCase() }, ',');
  const unknown = states.find(({ value }) => !STATES.has(value) || (kind === 'state' && value.endsWith('NAT')));
  if (unknown !== undefined) throw parseError(line, unknown.column, `unknown connection state '${unknown.value}'`);
  return { negated: option.negated, value: states.map(({ value }) => value as ConntrackState) };
}

/** `-m iprange` */
export const iprange: MatchReader = {
  options: new Set(['--src-range', '--dst-range']),
  read: (text, family, line): IprangeMatch => {
    if (text.options.length === 0) throw parseError(line, text.column, '-m iprange needs --src-range or --dst-range');
    const source = readRange(text, '--src-range', family, line);
    const destination = readRange(text, '--dst-range', family, line);
    return { kind: 'iprange', ...(source === undefined ? {} : { source }), ...(destination === undefined ? {} : { destination }) };
  },
};

function readRange(text: MatchText, name: string, family: Family, line: Line): IprangeMatch['source'] {
  const option = optionOf(text, name);
  if (option === undefined) return undefined;
  const token = onlyToken(option, line);
  const [low = token, high = low, excess] = splitWord(token, '-');
  if (excess !== undefined) throw parseError(line, excess.column, `'${token.value}' is not a range of addresses`);
  return { negated: option.negated, value: { low: parseFamilyAddress(low, family, line), high: parseFamilyAddress(high, family, line) } };
}

/** `-m mark` */
export const mark: MatchReader = {
  options: new Set(['--mark']),
  read: (text, _family, line) => {
    const option = optionOf(text, '--mark');
    if (option === undefined) throw parseError(line, text.column, '-m mark needs --mark');
    return { kind: 'mark', negated: option.negated, ...parseMasked(onlyToken(option, line), line) };
  },
};

/** `-m comment` */
export const comment: MatchReader = {
  options: new Set(['--comment']),
  read: (text, _family, line) => {
    const option = optionOf(text, '--comment');
    if (option === undefined) throw parseError(line, text.column, '-m comment needs --comment');
    return { kind: 'comment', text: onlyToken(option, line).value };
  },
};
