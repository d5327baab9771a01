/**
 * The engine beside iptables-legacy, iptables-nft and nftables. Arguments are sizes in rules; without them up to 10,000, and
 * with `--full` 100,000 as well, which takes minutes. A wrong verdict or an image that is not equal to its rules ends the
 * run with an error.
 */

import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import type { CounterMode } from '../../../src/domain/classifier/index.ts';
import { FIREWALLS, packetsPerSecond, type Firewall } from '../packets.ts';
import type { Point } from '../point.ts';
import { benchRuleset, SHAPES, type Shape } from '../rulesets.ts';
import { figure, formatTable } from '../table.ts';
import type { Bench, Say } from '../topic.ts';

interface Case {
  shape: Shape;
  rules: number;
}

interface Rate extends Case {
  /** Packets a second; null where the firewall cannot hold the ruleset. */
  perSecond: Partial<Record<Firewall, number | null>>;
}

const SIZES = [10, 100, 1000, 10_000];

export const bench: Bench = async ({ say, args, full }) => {
  const chosen = args.filter((word) => /^\d+$/.test(word)).map(Number);
  const sizes = chosen.length > 0 ? chosen : full ? [...SIZES, 100_000] : SIZES;
  const cases = SHAPES.flatMap((shape) => sizes.map((rules) => ({ shape, rules })));
  return { points: measurePoints(say, cases), rates: await measureRates(say, cases) };
};

function measurePoints(say: Say, cases: readonly Case[]): Point[] {
  const all = cases.map((each) => measurePoint(each, 'exact') ?? measurePoint(each, 'verdict')!);
  say('\nThe engine alone: nanoseconds a packet over 16,384 rotating keys (BPF_PROG_TEST_RUN), and what it takes to get there\n');
  const row = ({ shape, rules, counters, walkNs, parseMs, compileMs, loadMs, proveMs, imageKiB, peakMiB }: Point): string[] => [
    `${shape} ${rules.toLocaleString('en-US')}`, counters, walkNs.map(figure).join('–'), ...[parseMs, compileMs, loadMs, proveMs, imageKiB, peakMiB].map(figure),
  ];
  say(formatTable(['RULES', 'COUNTERS', 'WALK ns', 'PARSE ms', 'COMPILE ms', 'LOAD ms', 'PROVE ms', 'IMAGE KiB', 'PEAK MiB'], all.map(row)));
  return all;
}

function measurePoint({ shape, rules }: Case, counters: CounterMode): Point | undefined {
  const printed = execFileSync(process.execPath, [join(import.meta.dirname, '../point.ts'), shape, String(rules), counters], { encoding: 'utf8' });
  return (JSON.parse(printed) as Point | null) ?? undefined;
}

async function measureRates(say: Say, cases: readonly Case[]): Promise<Rate[]> {
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
