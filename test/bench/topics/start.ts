/** How long commands take to start and end, beside the native tools. */

import { sluiceCommand, withNetns } from '../../support/sluice.ts';
import { benchRuleset, iptablesText } from '../rulesets.ts';
import { timeCommands, timingTable } from '../timing.ts';
import type { Bench } from '../topic.ts';

const TURNS = 15;

export const bench: Bench = async ({ say }) => await withNetns('s', async (netns) => {
  netns.run(['iptables-legacy-restore'], iptablesText(benchRuleset('flat', 10)));
  const timings = await timeCommands([
    { name: 'node -e 0', argv: [process.execPath, '-e', '0'] },
    { name: 'sluice version', argv: sluiceCommand(['version']) },
    { name: 'iptables-legacy-save', argv: ['nsenter', `--net=${netns.path}`, 'iptables-legacy-save'] },
    { name: 'sluice iptables list', argv: sluiceCommand(['iptables', 'list', '--netns', netns.name]) },
    { name: 'sluice migrate status', argv: sluiceCommand(['migrate', 'status', '--netns', netns.name]), exitCode: 5 },
    { name: 'sluice bpf prog list', argv: sluiceCommand(['bpf', 'prog', 'list']) },
    { name: 'sluice __complete bpf prog get', argv: sluiceCommand(['__complete', 'bpf', 'prog', 'get', '']) },
    { name: 'sluice change list', argv: sluiceCommand(['change', 'list']) },
  ], TURNS);
  say(timingTable(timings));
  return timings;
});
