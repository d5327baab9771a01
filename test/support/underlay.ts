/** Two ends of an underlay in namespaces of their own. */

import { execFileSync } from 'node:child_process';
import { setTimeout as sleep } from 'node:timers/promises';
import { type Netns, withNetns } from './sluice.ts';

/** Interface of each end towards the other. */
export const UNDERLAY = 'eth0';

/** Runs `use` with two namespaces joined by a veth: `eth0` with 10.0.0.1 and fd00::1 in the first, .2 and ::2 in the second. */
export async function withUnderlay<T>(label: string, use: (left: Netns, right: Netns) => T | Promise<T>): Promise<T> {
  return await withNetns(`${label}a`, (left) => withNetns(`${label}b`, async (right) => {
    execFileSync('ip', ['-n', left.name, 'link', 'add', UNDERLAY, 'type', 'veth', 'peer', 'name', UNDERLAY, 'netns', right.name]);
    for (const [number, { run }] of [left, right].entries()) {
      run(['ip', 'address', 'add', `10.0.0.${number + 1}/24`, 'dev', UNDERLAY]);
      run(['ip', 'address', 'add', `fd00::${number + 1}/64`, 'dev', UNDERLAY, 'nodad']);
      run(['ip', 'link', 'set', UNDERLAY, 'up']);
    }
    for (const { run } of [left, right]) await untilUp(run);
    return await use(left, right);
  }));
}

/** The kernel tells of a carrier a moment after it is there; until then routes are marked as without one. */
async function untilUp(run: Netns['run']): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!run(['ip', '-br', 'link', 'show', 'dev', UNDERLAY]).includes(' UP ')) {
    if (Date.now() > deadline) throw new Error(`${UNDERLAY} does not come up`);
    await sleep(5);
  }
}
