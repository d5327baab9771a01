import type { Chain, Counters, Rule, Ruleset, Table } from '../model.ts';
import { optionWords } from '../matches/index.ts';

export interface PrintOptions {
  /** False leaves rule counters out and sets those of chains to zero, as `iptables-save` without -c does. @default true */
  counters?: boolean;
}

/** The model as iptables-save text; with counters, what was parsed comes back byte for byte. */
export function printSave(ruleset: Ruleset, options: PrintOptions = {}): string {
  const lines: string[] = [];
  for (const item of ruleset.layout) {
    if ('text' in item) lines.push(item.text);
    else printTable(ruleset.tables[item.table]!, item.blanks ?? '', options, lines);
  }
  return lines.join('\n') + (ruleset.finalNewline ? '\n' : '');
}

/** `printSave` in the encoding of the text that was parsed. */
export const printSaveBytes = (ruleset: Ruleset, options: PrintOptions = {}): Buffer =>
  Buffer.from(printSave(ruleset, options), ruleset.encoding ?? 'utf8');

/** One rule as `-A CHAIN …`, with its counters in front where it has some. */
export function printRule(rule: Rule, { counters = true }: PrintOptions = {}): string {
  const options = rule.options.flatMap(optionWords);
  const head = rule.spelling?.head ?? [...(rule.counters === undefined ? [] : [printCounters(rule.counters)]), '-A', rule.chain];
  const gaps = rule.spelling?.gaps;
  // Counters are the word before the two that name the chain.
  if (counters || head.length < 3) return weave([...head, ...options], gaps);
  return weave([...head.slice(1), ...options], gaps && [gaps[0]!, ...gaps.slice(2)]);
}

function printTable(table: Table, blanks: string, options: PrintOptions, lines: string[]): void {
  lines.push(`*${table.name}${blanks}`);
  for (const item of table.layout) {
    if ('text' in item) lines.push(item.text);
    else if ('chain' in item) lines.push(printChain(table.chains[item.chain]!, item.gaps, options));
    else lines.push(printRule(item.rule, options));
  }
  lines.push('COMMIT');
}

function printChain({ name, policy, counters }: Chain, gaps: readonly string[] | undefined, options: PrintOptions): string {
  const shown = options.counters === false && counters !== undefined ? { packets: 0n, bytes: 0n } : counters;
  return `:${weave([name, policy ?? '-', ...(shown === undefined ? [] : [printCounters(shown)])], gaps)}`;
}

const printCounters = ({ packets, bytes }: Counters): string => `[${packets}:${bytes}]`;

/** Words with the blanks before each and at the end; with one blank between where none are given. */
function weave(words: readonly string[], gaps: readonly string[] | undefined): string {
  return gaps === undefined ? words.join(' ') : words.map((word, i) => gaps[i]! + word).join('') + gaps.at(-1)!;
}
