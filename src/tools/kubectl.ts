import { run } from './run.ts';

/** `kubectl get nodes -o json`, with the caller's configuration. @throws ToolError with what kubectl says. */
export async function getNodesJson(): Promise<string> {
  return (await run(['kubectl', 'get', 'nodes', '-o', 'json'], { timeoutMs: 30_000 })).stdout;
}
