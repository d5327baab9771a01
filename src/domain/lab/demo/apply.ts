import { run, type RunResult } from '../../../tools/index.ts';
import { saveText } from '../../../tools/iptables.ts';

/** How this program was started: what starts it again. */
export const ownProgram = (): string[] => [process.execPath, process.argv[1]!];

/** Runs one of our own commands as a user would; a failure is returned, not thrown. */
export function runOwn(argv: readonly string[], env: Readonly<Record<string, string>>): Promise<RunResult> {
  return run([...ownProgram(), ...argv], { env, allowFailure: true });
}

/** Starts one of our own commands in a namespace; its result is the JSON that it prints. */
export function runOwnInBackground<T>(argv: readonly string[], namespace: string, env: Readonly<Record<string, string>>): { result: Promise<T> } {
  const finished = run([...ownProgram(), ...argv, '-o', 'json'], { env, netns: `/run/netns/${namespace}` });
  return { result: finished.then(({ stdout }) => JSON.parse(stdout) as T) };
}

/** The filter table of a namespace with counters, without the comments that carry the time. */
export async function saveFilter(namespace: string): Promise<string> {
  const text = await saveText({ family: 'ipv4', backend: 'legacy', netns: `/run/netns/${namespace}`, table: 'filter' });
  return text.split('\n').filter((line) => !line.startsWith('#')).join('\n');
}
