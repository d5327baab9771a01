import type { PortMatch, Range, TcpMatch, Test } from '../model.ts';
import { parseError, type Line, type Token } from '../save/tokens.ts';
import { parsePortList, parsePortRange } from '../save/values.ts';
import { onlyToken, optionOf, remaining, type MatchReader, type MatchText } from './context.ts';

const PORTS = ['--sport', '--dport'] as const;

/** Bits of TCP's flags byte (RFC 9293 §3.1). */
const FLAGS: Readonly<Record<string, number>> = { FIN: 1, SYN: 2, RST: 4, PSH: 8, ACK: 16, URG: 32, ALL: 63, NONE: 0 };

function portTests(text: MatchText, line: Line): { sourcePort?: Test<Range>; destinationPort?: Test<Range> } {
  const test = (name: string): Test<Range> | undefined => {
    const option = optionOf(text, name);
    return option === undefined ? undefined : { negated: option.negated, value: parsePortRange(onlyToken(option, line), line) };
  };
  const [sourcePort, destinationPort] = PORTS.map(test);
  return { ...(sourcePort === undefined ? {} : { sourcePort }), ...(destinationPort === undefined ? {} : { destinationPort }) };
}

/** udp, udplite, sctp and dccp: ports, and what is kept uninterpreted. */
export const portReader = (kind: PortMatch['kind'], further: readonly string[] = []): MatchReader => ({
  options: new Set([...PORTS, ...further]),
  read: (text, _family, line): PortMatch => ({ kind, ...portTests(text, line), uninterpreted: remaining(text, new Set(PORTS)) }),
});

const INTERPRETED: ReadonlySet<string> = new Set([...PORTS, '--tcp-flags', '--syn']);

/** `-m tcp` */
export const tcp: MatchReader = {
  options: new Set([...INTERPRETED, '--tcp-option']),
  read: (text, _family, line): TcpMatch => {
    const flags = flagsTest(text, line);
    return { kind: 'tcp', ...portTests(text, line), ...(flags === undefined ? {} : { flags }), uninterpreted: remaining(text, INTERPRETED) };
  },
};

function flagsTest(text: MatchText, line: Line): TcpMatch['flags'] {
  const syn = optionOf(text, '--syn');
  if (syn !== undefined) return { negated: syn.negated, value: { mask: 0x17, comp: 2 } };
  const option = optionOf(text, '--tcp-flags');
  if (option === undefined) return undefined;
  const [mask, comp] = option.tokens;
  if (mask === undefined || comp === undefined) throw parseError(line, option.column, '--tcp-flags takes two lists of flags');
  return { negated: option.negated, value: { mask: readFlags(mask, line), comp: readFlags(comp, line) } };
}

function readFlags({ value, column }: Token, line: Line): number {
  return value.split(',').reduce((bits, name) => {
    const bit = FLAGS[name.toUpperCase()];
    if (bit === undefined) throw parseError(line, column, `unknown TCP flag '${name}'`);
    return bits | bit;
  }, 0);
}

/** `-m multiport` */
export const multiport: MatchReader = {
  options: new Set(['--sports', '--dports', '--ports']),
  read: (text, _family, line) => {
    const [option, second] = text.options;
    if (option === undefined || second !== undefined) throw parseError(line, 1, 'multiport takes one list of ports');
    const direction = ({ '--sports': 'source', '--dports': 'destination', '--ports': 'either' } as const)[option.canonical as '--ports'];
    const ports = parsePortList(onlyToken(option, line), line);
    const slots = ports.reduce((sum, { low, high }) => sum + (low === high ? 1 : 2), 0);
    if (slots > 15) throw parseError(line, option.column, 'multiport takes at most 15 ports, a range counts two');
    return { kind: 'multiport', direction, negated: option.negated, ports };
  },
};
