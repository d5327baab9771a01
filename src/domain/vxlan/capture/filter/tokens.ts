import { ParseError } from '../../../../lib/errors.ts';

/** A word of a filter; `column` counts from 1. */
export interface Token {
  text: string;
  column: number;
}

const WORD = /\s*(?:([()!])|(&&|\|\|)|([\w.:/-]+))/y;
const SYNONYMS: ReadonlyMap<string, string> = new Map([['!', 'not'], ['&&', 'and'], ['||', 'or']]);

/** Takes a filter apart, in small letters and with words for signs. @throws ParseError SL6102 at a sign that no filter has. */
export function readTokens(text: string): Token[] {
  const tokens: Token[] = [];
  WORD.lastIndex = 0;
  while (WORD.lastIndex < text.trimEnd().length) {
    const start = WORD.lastIndex;
    const match = WORD.exec(text);
    if (match === null) throw refuse(firstSign(text, start), unknownSign(text, start));
    const word = (match[1] ?? match[2] ?? match[3]!).toLowerCase();
    tokens.push({ text: SYNONYMS.get(word) ?? word, column: WORD.lastIndex - word.length + 1 });
  }
  return tokens;
}

const firstSign = (text: string, from: number): number => from + (text.slice(from).length - text.slice(from).trimStart().length) + 1;

function unknownSign(text: string, from: number): string {
  const sign = text.slice(from).trimStart()[0]!;
  return sign === '[' || /[<>=+*&|^]/.test(sign) ? `'${sign}': bytes and lengths cannot be compared here` : `'${sign}' is no part of a filter`;
}

/** The error of every filter that cannot be used. */
export const refuse = (column: number, what: string): ParseError =>
  new ParseError('filter', 1, column, what, {
    code: 'SL6102', hints: ["host, net, port and portrange with src or dst; ip, ip6, arp, tcp, udp, sctp, icmp, icmp6; ether host; vxlan, vni; and, or, not, ( )"],
  });
