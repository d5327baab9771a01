import { spawnSync } from 'node:child_process';
import { describe, expect, test } from 'vitest';
import type { ChangeRecord, RevertStep } from '../../../src/domain/changes/index.ts';
import { pathsOf } from '../../../src/domain/changes/paths.ts';
import { revertScript } from '../../../src/domain/changes/revert-script.ts';
import { comment, quote, quoteAll } from '../../../src/domain/changes/shell.ts';
import { timerScript } from '../../../src/domain/changes/timer-script.ts';
import { systemdArgv } from '../../../src/domain/changes/timer.ts';

const programs = { sh: '/usr/bin/sh', nsenter: '/usr/bin/nsenter', flock: '/usr/bin/flock', umount: '/usr/bin/umount' };
const hostile = `a 'b' "c" $(touch /tmp/x) \`d\` \\ e\nrm -rf /\n`;

function record(revertSteps: RevertStep[]): ChangeRecord {
  return {
    version: 1,
    id: 'c-7f3a',
    kind: 'migrate',
    summary: hostile,
    argv: ['migrate', 'apply'],
    actor: { uid: 0, user: 'root' },
    node: 'worker-3',
    namespace: { inode: 4026532000, host: false, path: `/run/netns/${hostile.trim()}`, label: hostile },
    createdAt: '2026-11-22T14:05:01.000Z',
    bootId: 'e4caf066-1b79-40e0-ad10-06f0e0dd44e2',
    owner: { pid: 1, startTicks: '1' },
    firstDeadline: 1234,
    revertSteps,
    files: [],
  };
}

function accepted(script: string): string {
  return spawnSync('/bin/sh', ['-n'], { input: script, encoding: 'utf8' }).stderr;
}

describe('words for sh', () => {
  test.each([hostile, '', '-n', "'", '\\', '*', '~', '$HOME', 'a\nb', 'é\u2028', '/usr/sbin/ip'])('%j stays one word', (word) => {
    const { stdout } = spawnSync('/bin/sh', ['-c', `printf '%s|' ${quoteAll([word, 'end'])}`], { encoding: 'utf8' });
    expect(stdout).toBe(`${word}|end|`);
  });

  test('a NUL byte is refused', () => {
    expect(() => quote('a\0b')).toThrow('NUL');
  });

  test('a comment stays one line', () => {
    expect(comment('a\nrm -rf /\r\u0085b\u2028c')).toBe('# a rm -rf / b c');
  });
});

describe('the scripts of a change', () => {
  const steps: RevertStep[] = [
    { title: hostile, argv: ['/usr/bin/printf', hostile], stdinFile: "it's.txt", tolerateFailure: true },
    { title: 'Remove the pins', remove: ['/sys/fs/bpf/sluice/link', `/sys/fs/bpf/${hostile}`] },
  ];

  test.each([
    ['revert.sh', revertScript(record(steps), pathsOf('c-7f3a'), programs)],
    ['revert.sh without steps', revertScript(record([]), pathsOf('c-7f3a'), programs)],
    ['timer.sh', timerScript(record(steps), pathsOf('c-7f3a'), programs)],
  ])('%s is accepted by sh whatever the names are', (_name, script) => {
    expect(accepted(script)).toBe('');
  });

  test('run every program of theirs by its absolute path', () => {
    const script = revertScript(record(steps), pathsOf('c-7f3a'), programs);
    expect(script).toContain('PATH=/usr/sbin:/usr/bin:/sbin:/bin');
    expect(script).not.toMatch(/^\s*(nsenter|flock|sh|node|sluice) /m);
  });
});

test('under systemd the timer is a unit of its own that fires to the second', () => {
  const argv = systemdArgv({ systemdRun: '/usr/bin/systemd-run', sh: '/usr/bin/sh' }, 'c-7f3a', '/var/lib/x/timer.sh', 119_500);
  expect(argv).toEqual([
    '/usr/bin/systemd-run',
    '--unit=sluice-revert-c-7f3a',
    '--description=Revert sluice change c-7f3a unless it is confirmed',
    '--on-active=120s',
    '--timer-property=AccuracySec=1s',
    '--collect',
    '--quiet',
    '/usr/bin/sh',
    '/var/lib/x/timer.sh',
  ]);
});
