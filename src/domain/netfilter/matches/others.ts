import type { ConntrackMatch, ConntrackState, Family, IprangeMatch, Test } from '../model.ts';
import { parseError, type Line } from '../save/tokens.ts';
import { parseFamilyAddress, parseMasked } from '../save/values.ts';
import { onlyToken, optionOf, remaining, type MatchReader, type MatchText, type ParsedOption } from './context.ts';

const STATES: ReadonlySet<string> = new Set(['INVALID', 'NEW', 'ESTABLISHED', 'RELATED', 'UNTRACKED', 'SNAT', 'DNAT']);

const stateReader = (kind: ConntrackMatch['kind'], optionName: string, further: readonly string[]): MatchReader => ({
  options: new Set([optionName, ...further]),
  read: (text, _family, line): ConntrackMatch => {
    const option = optionOf(text, optionName);
    return { kind, ...(option === undefined ? {} : { states: readStates(option, line) }), uninterpreted: remaining(text, new Set([optionName])) };
  },
});

/** `-m conntrack` */
export const conntrack = stateReader('conntrack', '--ctstate', [
  '--ctproto', '--ctorigsrc', '--ctorigdst', '--ctreplsrc', '--ctrepldst', '--ctorigsrcport', '--ctorigdstport', '--ctreplsrcport',
  '--ctrepldstport', '--ctstatus', '--ctexpire', '--ctdir',
]);
/** `-m state` */
export const state = stateReader('state', '--state', []);

function readStates(option: ParsedOption, line: Line): Test<ConntrackState[]> {
  const names = onlyToken(option, line).value.toUpperCase().split(',');
  const unknown = names.find((name) => !STATES.has(name));
  if (unknown !== undefined) throw parseError(line, option.column, `unknown connection state '${unknown}'`);
  return { negated: option.negated, value: names as ConntrackState[] };
}

/** `-m iprange` */
export const iprange: MatchReader = {
  options: new Set(['--src-range', '--dst-range']),
  read: (text, family, line): IprangeMatch => {
    const source = readRange(text, '--src-range', family, line);
    const destination = readRange(text, '--dst-range', family, line);
    return { kind: 'iprange', ...(source === undefined ? {} : { source }), ...(destination === undefined ? {} : { destination }) };
  },
};

function readRange(text: MatchText, name: string, family: Family, line: Line): IprangeMatch['source'] {
  const option = optionOf(text, name);
  if (option === undefined) return undefined;
  const token = onlyToken(option, line);
  const [low, high = low] = token.value.split('-');
  const address = (value: string): number[] => parseFamilyAddress({ ...token, value }, family, line);
  return { negated: option.negated, value: { low: address(low!), high: address(high!) } };
}

/** `-m mark` */
export const mark: MatchReader = {
  options: new Set(['--mark']),
  read: (text, _family, line) => {
    const option = optionOf(text, '--mark');
    if (option === undefined) throw parseError(line, 1, '-m mark needs --mark');
    return { kind: 'mark', negated: option.negated, ...parseMasked(onlyToken(option, line), line) };
  },
};

/** `-m comment` */
export const comment: MatchReader = {
  options: new Set(['--comment']),
  read: (text) => ({ kind: 'comment', text: text.options[0]?.tokens[0]?.value ?? '' }),
};
