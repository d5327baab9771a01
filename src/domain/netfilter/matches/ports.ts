import type { ParseError } from '../../../lib/errors.ts';
import type { MultiportMatch, PortMatch, Range, TcpMatch, Test } from '../model.ts';
import { parseError, type Line, type Token } from '../save/tokens.ts';
import { parsePortRange, splitWord } from '../save/values.ts';
import { onlyToken, optionOf, remaining, type MatchReader, type MatchText } from './context.ts';

const PORTS = ['--sport', '--dport'] as const;

/** Bits of TCP's flags byte (RFC 9293 §3.1). */
const FLAGS: ReadonlyMap<string, number> = new Map(Object.entries({ FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ALL: 63, NONE: 0 }));

/** These load a range whose ends are reversed; it then matches nothing. The others refuse it. */
const TAKES_REVERSED: ReadonlySet<string> = new Set(['udp', 'udplite', 'dccp']);

function portTests(text: MatchText, line: Line): { sourcePort?: Test<Range>; destinationPort?: Test<Range> } {
  const test = (name: string): Test<Range> | undefined => {
    const option = optionOf(text, name);
    if (option === undefined) return undefined;
    const token = onlyToken(option, line);
    const value = parsePortRange(token, line);
    if (value.low > value.high && !TAKES_REVERSED.has(text.name)) throw reversed(token, line);
    return { negated: option.negated, value };
  };
  const [sourcePort, destinationPort] = PORTS.map(test);
  return { ...(sourcePort === undefined ? {} : { sourcePort }), ...(destinationPort === undefined ? {} : { destinationPort }) };
}

const reversed = ({ column, value }: Token, line: Line): ParseError => parseError(line, column, `'${value}' ends before it begins`);

/** udp, udplite, sctp and dccp: ports, and what is kept uninterpreted. */
export const portReader = (kind: PortMatch['kind'], protocol: number, further: readonly string[] = []): MatchReader => ({
  options: new Set([...PORTS, ...further]),
  protocols: new Set([protocol]),
  read: (text, _family, line): PortMatch => ({ kind, ...portTests(text, line), uninterpreted: remaining(text, new Set(PORTS)) }),
});

const INTERPRETED: ReadonlySet<string> = new Set([...PORTS, '--tcp-flags', '--syn']);

/** `-m tcp` */
export const tcp: MatchReader = {
  options: new Set([...INTERPRETED, '--tcp-option']),
  protocols: new Set([6]),
  read: (text, _family, line): TcpMatch => {
    const flags = flagsTest(text, line);
    return { kind: 'tcp', ...portTests(text, line), ...(flags === undefined ? {} : { flags }), uninterpreted: remaining(text, INTERPRETED) };
  },
};

function flagsTest(text: MatchText, line: Line): TcpMatch['flags'] {
  const syn = optionOf(text, '--syn');
  const option = optionOf(text, '--tcp-flags');
  if (syn !== undefined && option !== undefined) throw parseError(line, option.column, '--syn and --tcp-flags exclude each other');
  if (syn !== undefined) return { negated: syn.negated, value: { mask: 0x17, comp: 2 } };
  if (option === undefined) return undefined;
  const [mask, comp] = option.values;
  if (mask === undefined || comp === undefined) throw parseError(line, option.column, '--tcp-flags takes two lists of flags');
  return { negated: option.negated, value: { mask: readFlags(mask, line), comp: readFlags(comp, line) } };
}

function readFlags({ value, column }: Token, line: Line): number {
  return value.split(',').reduce((bits, name) => {
    const bit = FLAGS.get(name.toUpperCase());
    if (bit === undefined) throw parseError(line, column, `unknown TCP flag '${name}'`);
    return bits | bit;
  }, 0);
}

const DIRECTIONS: ReadonlyMap<string, MultiportMatch['direction']> = new Map([
  ['--sports', 'source'], ['--dports', 'destination'], ['--ports', 'either'],
]);

/** `-m multiport` */
export const multiport: MatchReader = {
  options: new Set(DIRECTIONS.keys()),
  protocols: new Set([6, 17, 33, 132, 136]),
  read: (text, _family, line): MultiportMatch => {
    const [option, second] = text.options;
    const direction = DIRECTIONS.get(option?.canonical ?? '');
    if (option === undefined || direction === undefined || second !== undefined) throw parseError(line, text.column, '-m multiport takes one list of ports');
    return { kind: 'multiport', direction, negated: option.negated, ports: readPortList(onlyToken(option, line), line) };
  },
};

/** @kernel linux/netfilter/xt_multiport.h XT_MULTI_PORTS: 15 places, a range takes two */
function readPortList(token: Token, line: Line): Range[] {
  const ports = splitWord(token, ',').map((part) => {
    // Unlike the other matches, this one knows no open ranges.
    if (part.value.startsWith(':') || part.value.endsWith(':')) throw parseError(line, part.column, `'${part.value}' is not a range of ports`);
    const range = parsePortRange(part, line);
    if (range.low > range.high) throw reversed(part, line);
    return { range, places: part.value.includes(':') ? 2 : 1 };
  });
  if (ports.reduce((sum, { places }) => sum + places, 0) > 15) throw parseError(line, token.column, 'more than 15 ports, where a range counts two');
  return ports.map(({ range }) => range);
}
