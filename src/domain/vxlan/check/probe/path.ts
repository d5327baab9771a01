/** The largest packet that each remote answers. */

import { OperationError } from '../../../../lib/errors.ts';
import { measurePath } from '../../../mtu/index.ts';
import type { Audit, PathProbe, Probe } from '../model.ts';

const MOST_PATHS = 32;

/** Measures the path to remotes that answered, from the MTU of the device below. One that answers no more is left out. */
export async function measurePaths({ underlay }: Audit, probes: readonly Probe[], netns: string | undefined): Promise<PathProbe[]> {
  const answering = probes.filter(({ what, answered }) => what === 'underlay' && answered > 0).slice(0, MOST_PATHS);
  if (underlay === undefined) return [];
  const paths = await Promise.all(answering.map(({ to }) => measure(to, underlay.mtu, netns)));
  return paths.filter((path) => path !== undefined);
}

async function measure(to: string, linkMtu: number, netns: string | undefined): Promise<PathProbe | undefined> {
  try {
    return { to, mtu: (await measurePath({ to, linkMtu, ...(netns === undefined ? {} : { netns }) })).mtu };
  } catch (error) {
    if (error instanceof OperationError) return undefined;
    throw error;
  }
}
