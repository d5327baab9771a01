import { run } from './run.ts';

/** Runs lines of `ip` in one process, in a named namespace when given. @man ip(8) -batch */
export async function ipBatch(lines: readonly string[], namespace?: string, family?: 'ipv6'): Promise<void> {
  if (lines.length === 0) return;
  await run(['ip', ...(family === undefined ? [] : ['-6']), ...(namespace === undefined ? [] : ['-n', namespace]), '-batch', '-'], { input: `${lines.join('\n')}\n` });
}

/** Names of all network namespaces that `ip netns` knows. */
export async function listNamespaces(): Promise<string[]> {
  const { stdout } = await run(['ip', 'netns', 'list']);
  return stdout.split('\n').map((line) => line.split(' ')[0]!).filter((name) => name !== '');
}

/** Takes a namespace away; quiet when it is gone already. */
export async function deleteNamespace(name: string): Promise<void> {
  await run(['ip', 'netns', 'delete', name], { allowFailure: true });
}

/** Sets kernel parameters inside a namespace. @man sysctl(8) */
export async function setParameters(parameters: Readonly<Record<string, string | number>>, netns: string): Promise<void> {
  await run(['sysctl', '-q', '-w', ...Object.entries(parameters).map(([name, value]) => `${name}=${value}`)], { netns });
}

/** Interface numbers by name in a namespace. */
export async function linkNumbers(namespace: string): Promise<Map<string, number>> {
  const { stdout } = await run(['ip', '-n', namespace, '-j', 'link']);
  return new Map((JSON.parse(stdout) as { ifname: string; ifindex: number }[]).map(({ ifname, ifindex }) => [ifname, ifindex]));
}
