/** How long commands take to start and end, one after the other in turns, beside the native tools. */

import { spawnSync } from 'node:child_process';
import { sluiceCommand, sluiceEnvironment, withNetns } from '../support/sluice.ts';
import { benchRuleset, iptablesText } from './rulesets.ts';

const TURNS = 15;

/** Milliseconds of a command, the median of all turns. */
export interface Start {
  command: string;
  ms: number;
}

export function measureStart(): Promise<Start[]> {
  return withNetns('s', (netns) => {
    netns.run(['iptables-legacy-restore'], iptablesText(benchRuleset('flat', 10)));
    const commands: [name: string, argv: string[]][] = [
      ['node -e 0', [process.execPath, '-e', '0']],
      ['sluice version', sluiceCommand(['version'])],
      ['iptables-legacy-save', ['nsenter', `--net=${netns.path}`, 'iptables-legacy-save']],
      ['sluice iptables list', sluiceCommand(['iptables', 'list', '--netns', netns.name])],
      ['sluice migrate status', sluiceCommand(['migrate', 'status', '--netns', netns.name])],
      ['sluice change list', sluiceCommand(['change', 'list'])],
    ];
    const times = commands.map((): number[] => []);
    for (let turn = 0; turn < TURNS; turn++) for (const [i, [, argv]] of commands.entries()) times[i]!.push(timeOne(argv));
    return commands.map(([command], i) => ({ command, ms: times[i]!.toSorted((a, b) => a - b)[Math.floor(TURNS / 2)]! }));
  });
}

function timeOne([file = '', ...args]: readonly string[]): number {
  const start = performance.now();
  spawnSync(file, args, { stdio: 'ignore', env: sluiceEnvironment() });
  return performance.now() - start;
}
