/** The only place that starts other programs: argv only, never a shell. */

import { spawn } from 'node:child_process';
import { accessSync, constants, openSync, closeSync } from 'node:fs';
import { delimiter, join } from 'node:path';
import { ToolError, UnsupportedError } from '../lib/errors.ts';

export interface RunOptions {
  /** Standard input; empty when absent. */
  input?: string | Buffer;
  /** Path of a network namespace to run in. */
  netns?: string;
  timeoutMs?: number;
  /** Return a non-zero exit code instead of throwing. */
  allowFailure?: boolean;
  env?: Readonly<Record<string, string>>;
  /** Bytes of output that are kept. @default 1 GiB */
  maxBuffer?: number;
  /** Connect the program to our own terminal instead of reading its output. */
  inheritStdio?: boolean;
}

export interface RunResult {
  stdout: string;
  stderr: string;
  exitCode: number;
}

type Listener = (argv: readonly string[]) => void;

/** Debian package that holds a program. */
const PACKAGES: Readonly<Record<string, string>> = {
  'iptables-legacy-save': 'iptables', 'iptables-nft-save': 'iptables', nft: 'nftables', ip: 'iproute2', nsenter: 'util-linux',
  conntrack: 'conntrack', clang: 'clang',
};

const ADMIN_DIRECTORIES = ['/usr/local/sbin', '/usr/sbin', '/sbin'];

let listener: Listener | undefined;

/** Reports every program before it starts, for `--show-native`. */
export function onCommand(report: Listener): void {
  listener = report;
}

/**
 * Runs a program to its end.
 *
 * @throws UnsupportedError when it is not installed, naming the package; ToolError when it fails or takes too long.
 */
export async function run(argv: readonly string[], options: RunOptions = {}): Promise<RunResult> {
  const { execa } = await import('execa');
  const [file, ...args] = withNetns([need(argv[0] ?? ''), ...argv.slice(1)], options.netns);
  listener?.(argv);
  const result = await execa(file!, args, {
    ...(options.inheritStdio === true ? { stdio: 'inherit' as const } : { input: options.input ?? '' }),
    reject: false,
    stripFinalNewline: false,
    maxBuffer: options.maxBuffer ?? 2 ** 30,
    extendEnv: false,
    env: environment(options.env),
    ...(options.timeoutMs === undefined ? {} : { timeout: options.timeoutMs }),
  });
  const outcome = { stdout: String(result.stdout ?? ''), stderr: String(result.stderr ?? ''), exitCode: result.exitCode ?? -1 };
  if (result.exitCode !== undefined && (result.exitCode === 0 || options.allowFailure === true)) return outcome;
  throw new ToolError(argv, {
    ...(result.exitCode === undefined ? {} : { exitCode: result.exitCode }),
    ...(result.signal === undefined ? {} : { signal: result.signal }),
    stderr: outcome.stderr,
  });
}

/** Absolute path of a program, also where only administrators look; undefined when it is not installed. */
export function which(name: string): string | undefined {
  if (name.startsWith('/')) return isExecutable(name) ? name : undefined;
  return searchPath().map((directory) => join(directory, name)).find(isExecutable);
}

/** Absolute path of a program. @throws UnsupportedError when it is not installed, naming the Debian package. */
export function need(name: string): string {
  const path = which(name);
  if (path !== undefined) return path;
  const hints = PACKAGES[name] === undefined ? [] : [`apt-get install ${PACKAGES[name]}`];
  throw new UnsupportedError(`the program ${name} is not installed; this command`, { needs: 'it', code: 'SL2201', hints });
}

export interface DetachedOptions {
  /** File that takes standard output and error; discarded when absent. */
  output?: string;
  netns?: string;
  env?: Readonly<Record<string, string>>;
}

/** Starts a program in a session of its own, so that neither our end nor a closed terminal reaches it; returns its pid. */
export function spawnDetached(argv: readonly string[], options: DetachedOptions = {}): number {
  const [file, ...args] = withNetns([need(argv[0] ?? ''), ...argv.slice(1)], options.netns);
  listener?.(argv);
  const output = options.output === undefined ? 'ignore' : openSync(options.output, 'a', 0o600);
  const child = spawn(file!, args, { detached: true, stdio: ['ignore', output, output], cwd: '/', env: environment(options.env) });
  child.unref();
  if (typeof output === 'number') closeSync(output);
  if (child.pid === undefined) throw new ToolError(argv, { stderr: 'could not be started' });
  return child.pid;
}

function withNetns(argv: readonly string[], netns: string | undefined): readonly string[] {
  return netns === undefined ? argv : [need('nsenter'), `--net=${netns}`, '--', ...argv];
}

function environment(extra: Readonly<Record<string, string>> | undefined): Record<string, string> {
  const inherited = Object.fromEntries(
    ['HOME', 'USER', 'LOGNAME', 'TERM', 'XTABLES_LOCKFILE', 'KUBECONFIG', 'SLUICE_STATE_DIR', 'SLUICE_RUN_DIR', 'SLUICE_BPFFS'].flatMap((name) =>
      process.env[name] === undefined ? [] : [[name, process.env[name]]]),
  ) as Record<string, string>;
  return { ...inherited, LC_ALL: 'C', PATH: searchPath().join(delimiter), ...extra };
}

function searchPath(): string[] {
  const inherited = (process.env['PATH'] ?? '/usr/local/bin:/usr/bin:/bin').split(delimiter).filter((directory) => directory.startsWith('/'));
  return [...inherited, ...ADMIN_DIRECTORIES.filter((directory) => !inherited.includes(directory))];
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
