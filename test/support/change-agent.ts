/**
 * A process that makes a change, for tests that end it at some point: `node change-agent.ts SETTINGS` with JSON settings.
 *
 * It says `begun ID`, `half`, `applied` or `failed CODE` on lines of their own and then waits to be ended. Applying is two
 * rules in the INPUT chain of the namespace, appended one by one.
 */

import { spawnSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { beginChange, rollbackChange } from '../../src/domain/changes/index.ts';
import { SluiceError } from '../../src/lib/errors.ts';

export interface AgentSettings {
  netns: string;
  /** `iptables-legacy-save -c` of before, restored by the revert. */
  before: string;
  confirmWithinMs?: number;
  /** Where it stops and waits. */
  stop: 'begun' | 'half' | 'applied';
  summary?: string;
}

/** Settings of a process that rolls a change back; it ends itself on SIGHUP, as sluice does. */
export interface RollbackSettings {
  rollback: string;
}

const RESTORE = '/usr/sbin/iptables-legacy-restore';

async function rollBack({ rollback }: RollbackSettings): Promise<void> {
  process.on('SIGHUP', () => process.exit(129));
  await rollbackChange(rollback);
}

async function apply(settings: AgentSettings): Promise<void> {
  const { netns, before, stop } = settings;
  const change = await beginChange({
    kind: 'test',
    summary: settings.summary ?? 'two rules',
    argv: ['test'],
    netns: { path: `/run/netns/${netns}`, label: netns },
    ...(settings.confirmWithinMs === undefined ? {} : { confirmWithinMs: settings.confirmWithinMs }),
    files: { 'rules.v4': before },
    revertSteps: [{ title: 'Restore the rules', argv: [RESTORE, '-c'], stdinFile: 'rules.v4', check: [RESTORE, '--test'] }],
    diff: { before, after: `${before}two rules\n` },
  });
  say(`begun ${change.id}`);
  if (stop === 'begun') await forEver();
  append(netns, '10.9.9.1');
  say('half');
  if (stop === 'half') await forEver();
  append(netns, '10.9.9.2');
  await change.applied();
  say('applied');
  await forEver();
}

function append(netns: string, source: string): void {
  const argv = [`--net=/run/netns/${netns}`, '--', '/usr/sbin/iptables-legacy', '-A', 'INPUT', '-s', source, '-j', 'DROP'];
  const { status, stderr } = spawnSync('/usr/bin/nsenter', argv, { encoding: 'utf8' });
  if (status !== 0) throw new Error(stderr);
}

function say(line: string): void {
  process.stdout.write(`${line}\n`);
}

async function forEver(): Promise<void> {
  for (;;) await sleep(60_000);
}

try {
  const settings = JSON.parse(process.argv[2] ?? '{}') as AgentSettings | RollbackSettings;
  await ('rollback' in settings ? rollBack(settings) : apply(settings));
} catch (error) {
  say(`failed ${error instanceof SluiceError ? error.code : String(error)}`);
}
