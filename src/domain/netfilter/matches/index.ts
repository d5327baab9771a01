/** Matches that sluice understands, by the name after `-m`; every other one is kept as it stood. */

import type { Backend, Family, Match, OpaqueMatch, Test } from '../model.ts';
import { parseError, type Line } from '../save/tokens.ts';
import { optionText, type MatchReader, type MatchText } from './context.ts';
import { icmp, icmp6 } from './icmp.ts';
import { comment, conntrack, iprange, mark, state } from './others.ts';
import { multiport, portReader, tcp } from './ports.ts';

export type { MatchText, ParsedOption } from './context.ts';
export { onlyToken, optionText, optionWords } from './context.ts';

const READERS: ReadonlyMap<string, MatchReader> = new Map(Object.entries({
  tcp, udp: portReader('udp', 17), udplite: portReader('udplite', 136), sctp: portReader('sctp', 132, ['--chunk-types']),
  dccp: portReader('dccp', 33, ['--dccp-types', '--dccp-option']), multiport, icmp, icmp6, icmpv6: icmp6, 'ipv6-icmp': icmp6, iprange, conntrack,
  state, mark, comment,
}));

/** Whether the match of that name takes an option; unknown for matches that sluice does not know. */
export const takesOption = (match: string, option: string): boolean | undefined => READERS.get(match)?.options.has(option);

/** The rule that a match stands in, as far as it matters to the match. */
export interface MatchContext {
  protocol: Test<number> | undefined;
  family: Family;
  backend: Backend;
}

/**
 * The typed form of a match.
 *
 * @throws ParseError for a value that the match does not take, and where the match cannot stand.
 */
export function readMatch(text: MatchText, context: MatchContext, line: Line): Match {
  const reader = READERS.get(text.name);
  if (reader === undefined) return opaque(text);
  const twice = text.options.find((option, i) => text.options.findIndex(({ canonical }) => canonical === option.canonical) < i);
  if (twice !== undefined) throw parseError(line, twice.column, `${twice.name} stands twice in one -m ${text.name}`);
  if (!hasProtocol(reader, context.protocol)) {
    // iptables-nft compares the ports of all other protocols; nothing but nf_tables says what those are.
    if (context.backend === 'nft' && hasProtocol(reader, { ...context.protocol!, negated: false })) return opaque(text);
    throw parseError(line, text.column, `-m ${text.name} needs -p with its protocol`);
  }
  return reader.read(text, context.family, line);
}

const opaque = ({ name, options }: MatchText): OpaqueMatch => ({ kind: 'opaque', name, text: [`-m ${name}`, ...options.map(optionText)].join(' ') });

const hasProtocol = ({ protocols }: MatchReader, protocol: Test<number> | undefined): boolean =>
  protocols === undefined || (protocol?.negated === false && protocols.has(protocol.value));
