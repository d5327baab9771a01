/**
 * iptables-save text to the model. @man iptables-save(8), iptables-restore(8)
 *
 * Chains of a table are declared before its rules, so jumps can be checked line by line. Every error names line and column.
 */

import type { Backend, Chain, Counters, Family, LayoutItem, Ruleset, Table } from '../model.ts';
import { readRule } from './rule.ts';
import { MAX_LINE, parseError, tokenize, type Line, type Token } from './tokens.ts';

export interface ParseOptions {
  family: Family;
  backend: Backend;
  source: string;
}

const TABLES: ReadonlySet<string> = new Set(['raw', 'mangle', 'nat', 'filter', 'security']);
const POLICIES: ReadonlySet<string> = new Set(['ACCEPT', 'DROP', 'QUEUE']);
const BASE_CHAINS: ReadonlySet<string> = new Set(['PREROUTING', 'INPUT', 'FORWARD', 'OUTPUT', 'POSTROUTING']);
/** x_tables keeps 28 bytes, nf_tables more. */
const LONGEST_CHAIN = 255;

/** @throws ParseError for anything that iptables-restore would not take. */
export function parseSave(text: string | Buffer, options: ParseOptions): Ruleset {
  return new SaveParser(options).parse(typeof text === 'string' ? text : text.toString('latin1'));
}

class SaveParser {
  readonly #options: ParseOptions;
  readonly #tables: Table[] = [];
  readonly #layout: LayoutItem[] = [];
  #table: Table | undefined;
  #chains = new Map<string, Chain>();

  constructor(options: ParseOptions) {
    this.#options = options;
  }

  parse(text: string): Ruleset {
    const lines = text.split('\n');
    const finalNewline = lines.at(-1) === '';
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
    const first = text.trimStart()[0];
    if (first === undefined || first === '#') this.#keep(text);
    else if (this.#table === undefined) this.#openTable(text, line);
    else if (first === ':') this.#declareChain(text, line, this.#table);
    else if (text.trim() === 'COMMIT') this.#closeTable();
    else this.#readRule(text, line, this.#table);
  }

  #keep(text: string): void {
    if (this.#table === undefined) this.#layout.push({ text });
    else this.#table.layout.push({ text });
  }

  #openTable(text: string, line: Line): void {
    const name = /^\*(\S+)\s*$/.exec(text)?.[1];
    if (name === undefined) throw parseError(line, 1, `expected *TABLE, found '${text.slice(0, 40)}'`);
    if (!TABLES.has(name)) throw parseError(line, 2, `unknown table '${name}'`);
    if (this.#tables.some((table) => table.name === name)) throw parseError(line, 2, `table ${name} stands twice`);
    this.#table = { name, line: line.number, chains: [], layout: [] };
    this.#chains = new Map();
    this.#layout.push({ table: this.#tables.push(this.#table) - 1 });
  }

  #closeTable(): void {
    this.#table = undefined;
  }

  #declareChain(text: string, line: Line, table: Table): void {
    const [name, policy, counters, excess] = tokenize(text.slice(text.indexOf(':') + 1), line);
    if (name === undefined || policy === undefined || excess !== undefined) throw parseError(line, 1, 'expected :CHAIN POLICY [PACKETS:BYTES]');
    if (Buffer.byteLength(name.value) > LONGEST_CHAIN) throw parseError(line, 2, `chain name longer than ${LONGEST_CHAIN} bytes`);
    if (this.#chains.has(name.value)) throw parseError(line, 2, `chain ${name.value} is declared twice`);
    const base = BASE_CHAINS.has(name.value);
    if (policy.value !== '-' && !(base && POLICIES.has(policy.value))) throw parseError(line, policy.column + 1, `'${policy.value}' is no policy for ${name.value}`);
    const chain: Chain = {
      name: name.value, line: line.number, rules: [],
      ...(policy.value === '-' ? {} : { policy: policy.value as NonNullable<Chain['policy']> }),
      ...(counters === undefined ? {} : { counters: readCounters(counters, line) }),
    };
    this.#chains.set(chain.name, chain);
    table.layout.push({ chain: table.chains.push(chain) - 1 });
  }

  #readRule(text: string, line: Line, table: Table): void {
    const tokens = tokenize(text, line);
    const counters = tokens[0]!.value.startsWith('[') ? readCounters(tokens.shift()!, line) : undefined;
    const [verb, chainName] = tokens;
    if (verb === undefined || (verb.value !== '-A' && verb.value !== '--append'))
      throw parseError(line, verb?.column ?? 1, `expected -A CHAIN, found '${verb?.value ?? ''}'`);
    const chain = this.#chains.get(chainName?.value ?? '');
    if (chainName === undefined || chain === undefined)
      throw parseError(line, chainName?.column ?? verb.column, `rule for chain '${chainName?.value ?? ''}', which is not declared`);
    const place = { chain: chain.name, number: chain.rules.length + 1, ...(counters === undefined ? {} : { counters }) };
    const rule = readRule(tokens.slice(2), place, { family: this.#options.family, chains: this.#chains, line });
    chain.rules.push(rule);
    table.layout.push({ rule });
  }
}

function readCounters({ value, column }: Token, line: Line): Counters {
  const match = /^\[(\d+):(\d+)\]$/.exec(value);
  if (match === null) throw parseError(line, column, `'${value}' are no counters`);
  return { packets: BigInt(match[1]!), bytes: BigInt(match[2]!) };
}
