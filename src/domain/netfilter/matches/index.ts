/** Matches that sluice understands, by the name after `-m`; every other one is kept as it stood. */

import type { Family, Match } from '../model.ts';
import type { Line } from '../save/tokens.ts';
import { optionText, type MatchReader, type MatchText } from './context.ts';
import { icmp, icmp6 } from './icmp.ts';
import { comment, conntrack, iprange, mark, state } from './others.ts';
import { multiport, portReader, tcp } from './ports.ts';

export type { MatchText, ParsedOption } from './context.ts';
export { onlyToken, optionText } from './context.ts';

const READERS: Readonly<Record<string, MatchReader>> = {
  tcp, udp: portReader('udp'), udplite: portReader('udplite'), sctp: portReader('sctp', ['--chunk-types']),
  dccp: portReader('dccp', ['--dccp-types', '--dccp-option']), multiport, icmp, icmp6, iprange, conntrack, state, mark, comment,
};

/** Whether the match of that name takes an option; unknown for matches that sluice does not know. */
export const takesOption = (match: string, option: string): boolean | undefined => READERS[match]?.options.has(option);

/** The typed form of a match. @throws ParseError for a value that the match does not take. */
export function readMatch(text: MatchText, family: Family, line: Line): Match {
  const reader = READERS[text.name];
  if (reader !== undefined && text.options.every((option) => reader.options.has(option.canonical))) return reader.read(text, family, line);
  return { kind: 'opaque', name: text.name, text: [`-m ${text.name}`, ...text.options.map(optionText)].join(' ') };
}
