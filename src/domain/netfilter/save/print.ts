import type { Chain, Counters, Rule, Ruleset, Table } from '../model.ts';
import { optionText } from '../matches/index.ts';

export interface PrintOptions {
  /** False leaves rule counters out and sets those of chains to zero, as `iptables-save` without -c does. @default true */
  counters?: boolean;
}

/** The model as iptables-save text; with counters, what was parsed comes back byte for byte. */
export function printSave(ruleset: Ruleset, options: PrintOptions = {}): string {
  const lines: string[] = [];
  for (const item of ruleset.layout) {
    if ('text' in item) lines.push(item.text);
    else printTable(ruleset.tables[item.table]!, options, lines);
  }
  return lines.join('\n') + (ruleset.finalNewline ? '\n' : '');
}

/** One rule as `-A CHAIN …`, with its counters in front where it has some. */
export function printRule(rule: Rule, { counters = true }: PrintOptions = {}): string {
  const text = ['-A', rule.chain, ...rule.options.map(optionText)].join(' ');
  return counters && rule.counters !== undefined ? `${printCounters(rule.counters)} ${text}` : text;
}

function printTable(table: Table, options: PrintOptions, lines: string[]): void {
  lines.push(`*${table.name}`);
  for (const item of table.layout) {
    if ('text' in item) lines.push(item.text);
    else if ('chain' in item) lines.push(printChain(table.chains[item.chain]!, options));
    else lines.push(printRule(item.rule, options));
  }
  lines.push('COMMIT');
}

function printChain({ name, policy, counters }: Chain, options: PrintOptions): string {
  const shown = options.counters === false ? { packets: 0n, bytes: 0n } : counters;
  return `:${name} ${policy ?? '-'}${shown === undefined ? '' : ` ${printCounters(shown)}`}`;
}

const printCounters = ({ packets, bytes }: Counters): string => `[${packets}:${bytes}]`;
