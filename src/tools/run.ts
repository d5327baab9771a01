/** The only place that starts other programs: argv only, never a shell. */

import { spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { delimiter } from 'node:path';
import type { Options, Result } from 'execa';
import { OperationError, ToolError } from '../lib/errors.ts';
import { need, searchPath } from './which.ts';

export interface RunOptions {
  /** Standard input; empty when absent. */
  input?: string | Buffer;
  /** Path of a network namespace to run in. */
  netns?: string;
  timeoutMs?: number;
  /** Return a non-zero exit code instead of throwing. */
  allowFailure?: boolean;
  env?: Readonly<Record<string, string>>;
  /** Bytes of output that are kept; more of it is an error. @default 1 GiB */
  maxBuffer?: number;
  /** How output becomes text; `latin1` keeps every byte as one character. @default utf8 */
  encoding?: 'utf8' | 'latin1';
  /** Connect the program to our own terminal instead of reading its output. */
  inheritStdio?: boolean;
}

export interface RunResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

type Listener = (argv: readonly string[]) => void;

/** What programs may know of our environment: nothing that changes their output or what they load. */
const INHERITED = ['HOME', 'USER', 'LOGNAME', 'TERM', 'XTABLES_LOCKFILE', 'KUBECONFIG', 'SLUICE_STATE_DIR', 'SLUICE_RUN_DIR', 'SLUICE_BPFFS'];

let listener: Listener | undefined;

/** Reports every program before it starts, for `--show-native`; undefined ends that. */
export function onCommand(report: Listener | undefined): void {
  listener = report;
}

/** Reports, for `--show-native`, the command with the effect of what is done here by system calls. */
export function reportCommand(argv: readonly string[], netns?: string): void {
  listener?.(netns === undefined ? argv : ['nsenter', `--net=${netns}`, '--', ...argv]);
}

/**
 * Runs a program to its end.
 *
 * @throws UnsupportedError SL2201 when it is not installed, naming the package; OperationError SL1124 when it takes too long;
 *   ToolError when it fails, cannot be started or says more than `maxBuffer`.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const [file, ...args] = prepare(argv, options.netns);
  const { execa } = await import('execa');
  const result = (await execa(file!, args, execaOptions(options))) as Result;
  const outcome = { stdout: String(result.stdout ?? ''), stderr: String(result.stderr ?? ''), exitCode: result.exitCode ?? -1 };
  if (!result.failed || (options.allowFailure === true && result.exitCode !== undefined && !result.isMaxBuffer)) return outcome;
  throw explainFailure(argv, result, options);
}

const execaOptions = (options: RunOptions): Options => ({
  ...(options.inheritStdio === true ? { stdio: 'inherit' } : { input: options.input ?? '' }),
  reject: false,
  stripFinalNewline: false,
  maxBuffer: options.maxBuffer ?? 2 ** 30,
  encoding: options.encoding ?? 'utf8',
  extendEnv: false,
  env: environment(options.env),
  ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs, forceKillAfterDelay: 1000 }),
});

function explainFailure(argv: readonly string[], result: Result, { timeoutMs, maxBuffer = 2 ** 30 }: RunOptions): Error {
  const stderr = String(result.stderr ?? '');
  if (result.timedOut)
    return new OperationError(`${argv[0]} did not end within ${timeoutMs} ms`, { code: 'SL1124', reason: 'timeout', details: { argv, stderr } });
  if (result.isMaxBuffer) return new ToolError(argv, { stderr: `its output is larger than ${maxBuffer} bytes` });
  if (result.exitCode !== undefined) return new ToolError(argv, { exitCode: result.exitCode, stderr });
  if (result.signal !== undefined) return new ToolError(argv, { signal: result.signal, stderr });
  return new ToolError(argv, { stderr: `it could not be started: ${result.code ?? result.originalMessage ?? ''}` });
}

export interface DetachedOptions {
  /** File that takes standard output and error; discarded when absent. */
  output?: string;
  netns?: string;
  env?: Readonly<Record<string, string>>;
}

/**
 * Starts a program in a session of its own, so that neither our end nor a closed terminal reaches it; returns its pid.
 *
 * @throws UnsupportedError SL2201 when it is not installed; ToolError when it cannot be started.
 */
export function spawnDetached(argv: readonly string[], options: DetachedOptions = {}): number {
  const [file, ...args] = prepare(argv, options.netns);
  const output = options.output === undefined ? 'ignore' : openSync(options.output, 'a', 0o600);
  const child = spawn(file!, args, { detached: true, stdio: ['ignore', output, output], cwd: '/', env: environment(options.env) });
  // The missing pid says it already; an event that nobody hears would end us.
  child.on('error', () => undefined);
  child.unref();
  if (typeof output === 'number') closeSync(output);
  if (child.pid === undefined) throw new ToolError(argv, { stderr: 'it could not be started' });
  return child.pid;
}

/** The whole command line, by absolute paths, after it was reported as the user would type it. */
function prepare(argv: readonly string[], netns: string | undefined): readonly string[] {
  const command = [need(argv[0] ?? ''), ...argv.slice(1)];
  const enter = netns === undefined ? [] : [`--net=${netns}`, '--'];
  listener?.(netns === undefined ? argv : ['nsenter', ...enter, ...argv]);
  return netns === undefined ? command : [need('nsenter'), ...enter, ...command];
}

function environment(extra: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const inherited = INHERITED.flatMap((name) => (process.env[name] === undefined ? [] : [[name, process.env[name]]]));
  return { ...Object.fromEntries(inherited), LC_ALL: 'C', PATH: searchPath().join(delimiter), ...extra };
}
