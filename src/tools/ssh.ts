import { run } from './run.ts';

/** Seconds until an unreachable host counts as one. */
const CONNECT_SECONDS = 10;

/**
 * Runs a program on another host by `ssh`, which asks nothing. What ssh itself cannot do ends with exit code 255.
 *
 * ssh hands the words to a shell there: they must be plain (`[\w.:,@%/=-]`), so that no shell makes anything else of them.
 *
 * @throws UnsupportedError without ssh; ToolError. @man ssh(1)
 */
export async function runOverSsh(host: string, argv: readonly string[], timeoutMs: number): Promise<string> {
  const options = ['-o', 'BatchMode=yes', '-o', `ConnectTimeout=${CONNECT_SECONDS}`];
  const { stdout } = await run(['ssh', ...options, '--', host, ...argv], { timeoutMs, env: sshEnvironment() });
  return stdout;
}

/** An agent's keys, where there is one. */
const sshEnvironment = (): Record<string, string> => {
  const agent = process.env['SSH_AUTH_SOCK'];
  return agent === undefined ? {} : { SSH_AUTH_SOCK: agent };
};
