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

/** Words longer than any rule; a longer line is damage or an attack. */
export const MAX_LINE = 65_536;

/**
 * Splits a line into words as iptables-restore does: blanks separate, double quotes join, a backslash in quotes escapes.
 *
 * @throws ParseError for an unclosed quote.
 */
export function tokenize(text: string, line: Line): Token[] {
  return text.includes('"') ? tokenizeQuoted(text, line) : tokenizePlain(text);
}

/** At `column` of the line; the text shown is stripped of control characters and cut. */
export function parseError(line: Line, column: number, what: string): ParseError {
  const printable = what.replace(/[\p{Cc}\p{Cf}]/gu, '?');
  return new ParseError(line.source, line.number, column, printable.length > 200 ? `${printable.slice(0, 200)}…` : printable);
}

function tokenizePlain(text: string): Token[] {
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

function readWord(text: string, start: number, line: Line): Token {
  let value = '';
  let quoted = false;
  let at = start;
  for (; at < text.length && (quoted || !isBlank(text.charCodeAt(at))); at++) {
    const character = text[at]!;
    if (quoted && character === '\\' && at + 1 < text.length) value += text[++at];
    else if (character === '"') quoted = !quoted;
    else value += character;
  }
  if (quoted) throw parseError(line, start + 1, 'unclosed quote');
  return { value, raw: text.slice(start, at), column: start + 1 };
}

const isBlank = (code: number): boolean => code === 32 || code === 9;
