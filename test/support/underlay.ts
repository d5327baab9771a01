/** Two ends of an underlay in namespaces of their own. */

import { execFileSync } from 'node:child_process';
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
    return await use(left, right);
  }));
}
