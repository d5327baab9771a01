import { describe, expect, test } from 'vitest';
import type { Change, ChangeDetail } from '../../../src/domain/changes/index.ts';
import { changeCard, changeDetailCard, changesView } from '../../../src/views/change.ts';

const pending: Change = {
  record: {
    version: 1,
    id: 'c-7f3a',
    kind: 'migrate',
    summary: 'filter table to eBPF',
    argv: ['migrate', 'apply', 'fw.plan'],
    actor: { uid: 0, user: 'ann', ssh: '10.0.0.9 51022 10.0.0.1 22' },
    node: 'worker-3',
    namespace: { inode: 4026532000, host: false, path: '/run/netns/red', label: 'red' },
    createdAt: '2026-11-22T14:05:01.000Z',
    bootId: 'b',
    owner: { pid: 7, startTicks: '9' },
    confirmWithinMs: 120_000,
    firstDeadline: 1234,
    timer: 'shell',
    revertSteps: [
      { title: 'Restore', argv: ['/usr/sbin/iptables-legacy-restore', '-c'], stdinFile: 'rules.v4' },
      { title: 'Detach', remove: ['/sys/fs/bpf/sluice/link'] },
    ],
    files: ['rules.v4'],
  },
  state: 'pending',
  interrupted: false,
  revertsInSeconds: 90,
  revertsAt: '2026-11-22T14:07:01.000Z',
  timerRunning: true,
  ageSeconds: 30,
  directory: '/var/lib/sluice/changes/c-7f3a',
  revertScript: '/var/lib/sluice/changes/c-7f3a/revert.sh',
};

function row(change: Change): Record<string, unknown> {
  return Object.fromEntries(changesView.columns.map(({ header, value }) => [header, value(change)]));
}

function footer(change: Partial<Change>): string {
  return (changeCard.footer?.({ ...pending, ...change }) ?? []).join('\n');
}

test('the table says what waits and for how long', () => {
  expect(row(pending)).toMatchObject({ ID: 'c-7f3a', STATE: 'pending', AGE: 30, 'REVERTS-IN': 90, NETNS: 'red' });
  expect(row({ ...pending, timerRunning: false })['REVERTS-IN']).toBeNull();
  expect(row({ ...pending, state: 'applying', interrupted: true })['STATE']).toBe('interrupted');
});

describe('a card ends with what to do', () => {
  test.each<[string, Partial<Change>, RegExp]>([
    ['pending', {}, /^REVERTS \d\d:\d\d:01 unless: {2}sluice change confirm c-7f3a$/],
    ['without its timer', { timerRunning: false }, /^TIMER GONE/],
    ['reverting failed', { state: 'revert-failed' }, /sh \/var\/lib\/sluice\/changes\/c-7f3a\/revert\.sh$/],
    ['confirmed', { state: 'confirmed' }, /^$/],
  ])('%s', (_what, change, expected) => {
    expect(footer(change)).toMatch(expected);
  });

  test('cut off without a timer', () => {
    const { revertsInSeconds: _seconds, revertsAt: _at, timerRunning: _running, ...untimed } = pending;
    expect(changeCard.footer?.({ ...untimed, state: 'applying', interrupted: true })).toEqual([
      'CUT OFF while it was applied:  sluice change rollback c-7f3a',
    ]);
  });
});

test('the JSON form leaves the kind of the object to the envelope', () => {
  const json = changesView.json?.(pending) as Record<string, unknown>;
  expect(Object.keys(json)).not.toEqual(expect.arrayContaining(['kind']));
  expect(Object.keys(json)).not.toEqual(expect.arrayContaining(['version']));
  expect(json).toMatchObject({ id: 'c-7f3a', subject: 'migrate', state: 'pending', confirmWithinSeconds: 120, netns: { label: 'red' } });
});

test('a long diff is cut in the card and whole in JSON', () => {
  const diff = Array.from({ length: 100 }, (_, i) => ({ sign: '+' as const, text: `rule ${i}` }));
  const detail: ChangeDetail = { ...pending, diff, log: [] };
  const section = changeDetailCard.sections?.(detail).find(({ title }) => title === 'Differences');
  expect(section?.rows.length).toBe(41);
  expect(section?.rows.at(-1)).toMatchObject({ text: expect.stringContaining('60 more') });
  expect((changeDetailCard.json!(detail) as ChangeDetail).diff.length).toBe(100);
});
