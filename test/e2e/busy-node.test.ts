/** Lists on a node where objects come and go while they are read: what vanished is left out, and nothing fails. */

import { spawn, type ChildProcess } from 'node:child_process';
import { join } from 'node:path';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { text } from 'node:stream/consumers';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { objectIds, openById } from '../../src/kernel/bpf/index.ts';
import { mountBpffs } from '../support/bpffs.ts';
import { requireRoot } from '../support/require.ts';
import { inNamespaces, sluice } from '../support/sluice.ts';

const LISTS = [
  'bpf prog list', 'bpf map list', 'bpf link list', 'bpf net', 'bpf pin list', 'bpf gc', 'bpf btf list', 'bpf prog stats --for 100ms', 'link list', 'vxlan list', 'fdb list', 'mtu check',
];
const ROUNDS = 2;
let bpffs: ReturnType<typeof mountBpffs>;
let home: ReturnType<typeof inNamespaces>;
let churns: { child: ChildProcess; ended: Promise<string> }[] = [];

beforeAll(() => {
  requireRoot();
  bpffs = mountBpffs();
  // Interfaces come and go where no other test counts them.
  home = inNamespaces(['busy']);
  churns = [['objects'], ['pins', bpffs.path], ['interfaces', 'slb']].map((words) => {
    const child = spawn('nsenter', [`--net=${home.namespaces[0]!.path}`, '--', process.execPath, join(import.meta.dirname, '../support/churn.ts'), ...words], { stdio: ['pipe', 'pipe', 'inherit'] });
    return { child, ended: text(child.stdout) };
  });
});

afterAll(async () => {
  for (const { child } of churns) child.stdin!.end();
  const counts = await Promise.all(churns.map(async ({ ended }) => Number(await ended)));
  home.close();
  await bpffs.unmount();
  // Without churn the tests below say nothing.
  for (const count of counts) expect(count).toBeGreaterThan(5);
});

test('a link that is being attached is as good as absent', async () => {
  const seen = { absent: 0, open: 0 };
  for (const deadline = Date.now() + 20_000; (seen.absent <= 100 || seen.open <= 100) && Date.now() < deadline; await nextTurn()) {
    for (const id of objectIds('link')) {
      using link = openById('link', id);
      seen[link === undefined ? 'absent' : 'open']++;
    }
  }
  expect(seen.absent).toBeGreaterThan(100);
  expect(seen.open).toBeGreaterThan(100);
});

describe('on a busy node', () => {
  test.each(LISTS)('%s', async (command) => {
    for (let round = 0; round < ROUNDS; round++) expect(await sluice([...command.split(' '), '-o', 'json'], { netns: home.namespaces[0]!.name })).toMatchObject({ exitCode: 0, stderr: '' });
  });
});
