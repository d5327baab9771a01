/**
 * `npm run bench -- [--full] [--json] [RULES…]`: the engine beside iptables-legacy, iptables-nft and nftables, in one run.
 *
 * Without arguments up to 10,000 rules; `--full` goes to 100,000, which takes minutes. Nothing is asserted about time; a
 * wrong verdict or an image that is not equal to its rules ends the run with an error.
 */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { describeMachine } from './machine.ts';
import { FIREWALLS, packetsPerSecond, type Firewall } from './packets.ts';
import type { Point } from './point.ts';
import { benchRuleset, SHAPES, type Shape } from './rulesets.ts';
import { measureStart, type Start } from './start.ts';
import { figure, formatTable } from './table.ts';

interface Rate {
  shape: Shape;
  rules: number;
  /** Packets a second; null where the firewall cannot hold the ruleset. */
  perSecond: Partial<Record<Firewall, number | null>>;
}

const SIZES = [10, 100, 1000, 10_000];
const argv = process.argv.slice(2);
const chosen = argv.filter((word) => /^\d+$/.test(word)).map(Number);
const sizes = chosen.length > 0 ? chosen : argv.includes('--full') ? [...SIZES, 100_000] : SIZES;
const json = argv.includes('--json');
const cases = SHAPES.flatMap((shape) => sizes.map((rules) => ({ shape, rules })));

say(describeMachine().join('\n'));
const points = measurePoints();
const rates = await measureRates();
const starts = await measureStart();
printStarts(starts);
if (json) process.stdout.write(`${JSON.stringify({ machine: describeMachine(), points, rates, starts })}\n`);

function say(text: string): void {
  if (!json) process.stdout.write(`${text}\n`);
}

function measurePoints(): Point[] {
  const all = cases.map(({ shape, rules }) => JSON.parse(execFileSync(process.execPath, [join(import.meta.dirname, 'point.ts'), shape, String(rules)], { encoding: 'utf8' })) as Point);
  say('\nThe engine alone: nanoseconds a packet over 16,384 rotating keys (BPF_PROG_TEST_RUN), and what it takes to get there\n');
  const row = ({ shape, rules, walkNs, parseMs, compileMs, loadMs, proveMs, imageKiB, peakMiB }: Point): string[] => [
    `${shape} ${rules.toLocaleString('en-US')}`, walkNs.map(figure).join('–'), ...[parseMs, compileMs, loadMs, proveMs, imageKiB, peakMiB].map(figure),
  ];
  say(formatTable(['RULES', 'WALK ns', 'PARSE ms', 'COMPILE ms', 'LOAD ms', 'PROVE ms', 'IMAGE KiB', 'PEAK MiB'], all.map(row)));
  return all;
}

async function measureRates(): Promise<Rate[]> {
  const none = (await packetsPerSecond('none', benchRuleset('flat', 10)))!;
  say(`\nThousand packets a second on one core, up the stack of a namespace; without rules ${figure(none / 1000)}\n`);
  const rows: Rate[] = [];
  for (const { shape, rules } of cases) rows.push({ shape, rules, perSecond: { none, ...(await measureFirewalls(shape, rules)) } });
  const cell = (rate: number | null | undefined): string => (typeof rate === 'number' ? figure(rate / 1000) : 'not possible');
  const added = (rate: number | null | undefined): string => (typeof rate === 'number' ? figure(1e9 / rate - 1e9 / none) : '-');
  const tested = FIREWALLS.slice(1);
  say(formatTable(['RULES', ...tested], rows.map(({ shape, rules, perSecond }) => [`${shape} ${rules.toLocaleString('en-US')}`, ...tested.map((name) => cell(perSecond[name]))])));
  say('\nAdded nanoseconds a packet (what a rule drops spares the rule behind it, so little can be less than nothing), and\npackets a second as a multiple of iptables-legacy\n');
  say(formatTable(['RULES', ...tested, 'sluice / legacy'], rows.map(({ shape, rules, perSecond }) => [
    `${shape} ${rules.toLocaleString('en-US')}`, ...tested.map((name) => added(perSecond[name])), `${figure(perSecond.sluice! / perSecond['iptables-legacy']!)}x`,
  ])));
  return rows;
}

async function measureFirewalls(shape: Shape, rules: number): Promise<Rate['perSecond']> {
  const result: Rate['perSecond'] = {};
  for (const firewall of FIREWALLS.slice(1)) result[firewall] = (await packetsPerSecond(firewall, benchRuleset(shape, rules))) ?? null;
  return result;
}

function printStarts(all: readonly Start[]): void {
  const node = all[0]!.ms;
  say('\nStart to end of a command, median of 15 turns\n');
  say(formatTable(['COMMAND', 'ms', 'over node', 'x node'], all.map(({ command, ms }) => [command, figure(ms), figure(Math.max(0, ms - node)), (ms / node).toFixed(2)])));
}
