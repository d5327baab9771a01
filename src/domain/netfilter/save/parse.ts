/**
 * iptables-save text to the model. @man iptables-save(8), iptables-restore(8)
 *
 * Chains of a table are declared before its rules, so jumps can be checked line by line. Every error names line and column.
 */

import { isUtf8 } from 'node:buffer';
import type { Backend, Chain, Counters, Family, LayoutItem, Rule, RuleOption, Ruleset, Table } from '../model.ts';
import { readRule } from './rule.ts';
import { gapsBetween, MAX_LINE, parseError, tokenize, tokenizePlain, type Line, type Token } from './tokens.ts';
import { readCounters } from './values.ts';

export interface ParseOptions {
  family: Family;
  backend: Backend;
  source: string;
}

/** Base chains of each table. */
const TABLES: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['raw', new Set(['PREROUTING', 'OUTPUT'])],
  ['mangle', new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING'])],
  ['nat', new Set(['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING'])],
  ['filter', new Set(['INPUT', 'FORWARD', 'OUTPUT'])],
  ['security', new Set(['INPUT', 'FORWARD', 'OUTPUT'])],
]);
const POLICIES: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'QUEUE']);
const VERDICTS: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'QUEUE', 'RETURN']);
/** x_tables keeps 28 bytes, nf_tables more. */
const LONGEST_CHAIN = 255;

/**
 * Reads a whole dump. Bytes that are not UTF-8 are read as Latin-1, and `encoding` says so.
 *
 * @throws ParseError for anything that iptables-restore would not take, and for lines longer than 65,536 characters.
 */
export function parseSave(text: string | Buffer, options: ParseOptions): Ruleset {
  if (typeof text === 'string') return new SaveParser(options).parse(text);
  if (isUtf8(text)) return new SaveParser(options).parse(text.toString('utf8'));
  return { ...new SaveParser(options).parse(text.toString('latin1')), encoding: 'latin1' };
}

class SaveParser {
  readonly #options: ParseOptions;
  readonly #tables: Table[] = [];
  readonly #layout: LayoutItem[] = [];
  #table: Table | undefined;
  #chains = new Map<string, Chain>();
  readonly #shared = new Map<string, RuleOption>();

  constructor(options: ParseOptions) {
    this.#options = options;
  }

  parse(text: string): Ruleset {
    const lines = text.split('\n');
    const finalNewline = text.endsWith('\n');
    if (finalNewline) lines.pop();
    for (const [i, line] of lines.entries()) this.#readLine(line, { source: this.#options.source, number: i + 1 });
    if (this.#table !== undefined)
      throw parseError({ source: this.#options.source, number: lines.length }, 1, `table ${this.#table.name} has no COMMIT: the dump is cut off`);
    const { family, backend, source } = this.#options;
    return { family, backend, source, tables: this.#tables, layout: this.#layout, finalNewline };
  }

  #readLine(text: string, line: Line): void {
    if (text.length > MAX_LINE) throw parseError(line, MAX_LINE + 1, `a line longer than ${MAX_LINE} characters`);
    const odd = /[\0\r]/.exec(text);
    if (odd !== null) throw parseError(line, odd.index + 1, odd[0] === '\0' ? 'a NUL byte' : 'a carriage return; convert the line ends');
    if (/^[ \t]*(#|$)/.test(text)) this.#keep(text);
    else if (this.#table === undefined) this.#openTable(text, line);
    else if (text.startsWith(':')) this.#declareChain(text, line, this.#table);
    else if (text === 'COMMIT') this.#table = undefined;
    else if (text.startsWith('*')) throw parseError(line, 1, `table ${this.#table.name} has no COMMIT before this`);
    else this.#readRule(text, line, this.#table);
  }

  #keep(text: string): void {
    if (this.#table === undefined) this.#layout.push({ text });
    else this.#table.layout.push({ text });
  }

  #openTable(text: string, line: Line): void {
    const [, name, blanks] = /^\*([^ \t]+)([ \t]*)$/.exec(text) ?? [];
    if (name === undefined) throw parseError(line, 1, `expected *TABLE, found '${text.slice(0, 40)}'`);
    if (!TABLES.has(name)) throw parseError(line, 2, `unknown table '${name}'`);
    if (this.#tables.some((table) => table.name === name)) throw parseError(line, 2, `table ${name} stands twice`);
    this.#table = { name, line: line.number, chains: [], layout: [] };
    this.#chains = new Map();
    this.#layout.push({ table: this.#tables.push(this.#table) - 1, ...(blanks === '' ? {} : { blanks: blanks! }) });
  }

  #declareChain(text: string, line: Line, table: Table): void {
    const tokens = tokenizePlain(text.slice(1)).map((token) => ({ ...token, column: token.column + 1 }));
    const chain = readChain(tokens, TABLES.get(table.name)!, line);
    if (this.#chains.has(chain.name)) throw parseError(line, tokens[0]!.column, `chain ${chain.name} is declared twice`);
    this.#chains.set(chain.name, chain);
    const gaps = unusualGaps(text, tokens, ':');
    table.layout.push({ chain: table.chains.push(chain) - 1, ...(gaps === undefined ? {} : { gaps }) });
  }

  #readRule(text: string, line: Line, table: Table): void {
    const tokens = tokenize(text, line);
    const counted = tokens[0]!.value.startsWith('[');
    const counters = counted ? readBracketed(tokens[0]!, line) : undefined;
    const [verb, name] = counted ? tokens.slice(1) : tokens;
    if (verb === undefined || (verb.value !== '-A' && verb.value !== '--append'))
      throw parseError(line, verb?.column ?? 1, `expected -A CHAIN, found '${verb?.value ?? ''}'`);
    const chain = this.#chains.get(name?.value ?? '');
    if (name === undefined || chain === undefined) throw parseError(line, (name ?? verb).column, `rule for chain '${name?.value ?? ''}', which is not declared`);
    const place = { chain: chain.name, number: chain.rules.length + 1, ...(counters === undefined ? {} : { counters }) };
    const rest = tokens.slice(counted ? 3 : 2);
    const rule = readRule(rest, place, { ...this.#options, chains: this.#chains, shared: this.#shared, line });
    if (rule === undefined) return this.#keep(text);
    keepSpelling(rule, text, tokens, tokens.length - rest.length);
    chain.rules.push(rule);
    table.layout.push({ rule });
  }
}

function readChain([name, policy, counters, excess]: readonly Token[], base: ReadonlySet<string>, line: Line): Chain {
  if (name === undefined || policy === undefined || excess !== undefined) throw parseError(line, excess?.column ?? 1, 'expected :CHAIN POLICY [PACKETS:BYTES]');
  const { value } = name;
  if (Buffer.byteLength(value) > LONGEST_CHAIN) throw parseError(line, name.column, `chain name longer than ${LONGEST_CHAIN} bytes`);
  if (VERDICTS.has(value) || /^[-!]/.test(value)) throw parseError(line, name.column, `'${value}' cannot be the name of a chain`);
  if (base.has(value) ? !POLICIES.has(policy.value) : policy.value !== '-') throw parseError(line, policy.column, `'${policy.value}' is no policy for ${value}`);
  return {
    name: value, line: line.number, rules: [],
    ...(policy.value === '-' ? {} : { policy: policy.value as NonNullable<Chain['policy']> }),
    ...(counters === undefined ? {} : { counters: readBracketed(counters, line) }),
  };
}

/** `[packets:bytes]` */
function readBracketed({ value, column }: Token, line: Line): Counters {
  const [, packets, bytes] = /^\[(\d+):(\d+)\]$/.exec(value) ?? [];
  if (packets === undefined || bytes === undefined) throw parseError(line, column, `expected [PACKETS:BYTES], found '${value}'`);
  const token = (digits: string, offset: number): Token => ({ value: digits, raw: digits, column: column + offset });
  return readCounters(token(packets, 1), token(bytes, packets.length + 2), line);
}

/** Keeps how a hand-written line differs from what iptables-save prints. */
function keepSpelling(rule: Rule, text: string, tokens: readonly Token[], head: number): void {
  const gaps = unusualGaps(text, tokens, '');
  const words = tokens.slice(0, head).map(({ raw }) => raw);
  if (gaps === undefined && words.at(-1) === rule.chain && words.at(-2) === '-A' && !(head === 2 && rule.counters !== undefined)) return;
  rule.spelling = { head: words, gaps: gaps ?? gapsBetween(text, tokens) };
}

/** The blanks of a line behind `prefix`, unless words are one blank apart. */
function unusualGaps(text: string, tokens: readonly Token[], prefix: string): string[] | undefined {
  if (text === prefix + tokens.map(({ raw }) => raw).join(' ')) return undefined;
  const [first = '', ...rest] = gapsBetween(text, tokens);
  return [first.slice(prefix.length), ...rest];
}
