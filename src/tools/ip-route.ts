import { run, type RunResult } from './run.ts';

/** `ip -j addr show`: the addresses of every interface, as JSON text. */
export async function showAddresses(netns: string | undefined): Promise<string> {
  return (await run(['ip', '-j', 'addr', 'show'], inNetns(netns))).stdout;
}

/** `ip -j route show table local`: the node's own and broadcast addresses, as JSON text. */
export async function showLocalTable(family: 4 | 6, netns: string | undefined): Promise<string> {
  return (await run(['ip', '-j', `-${family}`, 'route', 'show', 'table', 'local'], inNetns(netns))).stdout;
}

/** `ip -j route get WORDS`: one routing decision as JSON text; exit code 2 and the kernel's reason when there is none. */
export function getRoute(words: readonly string[], netns: string | undefined): Promise<RunResult> {
  return run(['ip', '-j', 'route', 'get', ...words], { ...inNetns(netns), allowFailure: true });
}

const inNetns = (netns: string | undefined): { netns?: string } => (netns === undefined ? {} : { netns });
