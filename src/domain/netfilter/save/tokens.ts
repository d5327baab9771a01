import { ParseError } from '../../../lib/errors.ts';

/** A word of a line; `raw` as it stood, quotes included, `column` from 1. */
export interface Token {
  value: string;
  raw: string;
  column: number;
}

/** Where a line came from, for errors. */
export interface Line {
  source: string;
  number: number;
}

/** Longer than any rule; iptables-restore takes 10,240. A longer line is damage or an attack. */
export const MAX_LINE = 65_536;

/**
 * Splits a line into words as iptables-restore does: blanks separate, double quotes join, a backslash in quotes escapes.
 *
 * @throws ParseError for an unclosed quote.
 */
export function tokenize(text: string, line: Line): Token[] {
  return text.includes('"') ? tokenizeQuoted(text, line) : tokenizePlain(text);
}

/** The blanks before each word and at the end of the line. */
export function gapsBetween(text: string, tokens: readonly Token[]): string[] {
  let at = 0;
  const before = tokens.map(({ raw, column }) => {
    const gap = text.slice(at, column - 1);
    at = column - 1 + raw.length;
    return gap;
  });
  return [...before, text.slice(at)];
}

/** At `column` of the line; the text shown is stripped of control characters and cut. */
export function parseError(line: Line, column: number, what: string, causes: readonly string[] = []): ParseError {
  const printable = what.replace(/[\p{Cc}\p{Cf}]/gu, '?');
  return new ParseError(line.source, line.number, column, printable.length > 200 ? `${printable.slice(0, 200)}…` : printable, { causes });
}

/** Splits at blanks only; chain declarations know no quotes. */
export function tokenizePlain(text: string): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    if (isBlank(text.charCodeAt(at))) {
      at++;
      continue;
    }
    let end = at + 1;
    while (end < text.length && !isBlank(text.charCodeAt(end))) end++;
    const word = text.slice(at, end);
    tokens.push({ value: word, raw: word, column: at + 1 });
    at = end;
  }
  return tokens;
}

function tokenizeQuoted(text: string, line: Line): Token[] {
  const tokens: Token[] = [];
  for (let at = 0; at < text.length; ) {
    if (isBlank(text.charCodeAt(at))) at++;
    else {
      const token = readWord(text, at, line);
      tokens.push(token);
      at += token.raw.length;
    }
  }
  return tokens;
}

/** A closing quote ends the word, as a blank does. */
function readWord(text: string, start: number, line: Line): Token {
  let value = '';
  let quoted = false;
  let at = start;
  for (; at < text.length && (quoted || !isBlank(text.charCodeAt(at))); at++) {
    const character = text[at]!;
    if (character === '"') {
      quoted = !quoted;
      if (quoted) continue;
      at++;
      break;
    }
    value += quoted && character === '\\' && at + 1 < text.length ? text[++at] : character;
  }
  if (quoted) throw parseError(line, start + 1, 'unclosed quote', ['a comment with a line break is printed over two lines, which iptables-restore refuses too']);
  return { value, raw: text.slice(start, at), column: start + 1 };
}

const isBlank = (code: number): boolean => code === 32 || code === 9;
