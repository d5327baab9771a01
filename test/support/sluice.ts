/** Runs sluice as a user does, and gives tests a place of their own on the machine. */

import { execFileSync, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';

const BIN = join(dirname(dirname(import.meta.dirname)), 'bin');

export interface SluiceOptions {
  /** Name of a network namespace to run in. */
  netns?: string;
  /** Standard input; closed at once when absent. */
  input?: string | Buffer;
  /** Added to PATH, HOME and TMPDIR, which are all that is passed on. */
  env?: Readonly<Record<string, string>>;
  cwd?: string;
  /** Another file of bin/, such as `kubectl-sluice`. */
  program?: string;
}

export interface SluiceResult {
  stdout: string;
  stderr: string;
  /** 128 + number for a signal, as a shell reports it. */
  exitCode: number;
}

/** Runs `bin/sluice` to its end; a failure is a result, not an exception. */
export async function sluice(argv: readonly string[], options: SluiceOptions = {}): Promise<SluiceResult> {
  const [file = '', ...args] = sluiceCommand(argv, options);
  const child = spawn(file, args, { env: sluiceEnvironment(options.env), ...(options.cwd === undefined ? {} : { cwd: options.cwd }) });
  // A program that ends without reading its input is none of our business.
  child.stdin.on('error', () => undefined);
  child.stdin.end(options.input ?? '');
  const ended = new Promise<number>((resolve, reject) => {
    child.on('error', reject);
    child.on('close', (code, signal) => resolve(code ?? 128 + SIGNALS[signal ?? 'SIGKILL']!));
  });
  const [stdout, stderr, exitCode] = await Promise.all([text(child.stdout), text(child.stderr), ended]);
  return { stdout, stderr, exitCode };
}

const SIGNALS: Readonly<Record<string, number>> = { SIGHUP: 1, SIGINT: 2, SIGKILL: 9, SIGPIPE: 13, SIGTERM: 15 };

/** The argv of such a run, for tests that start it themselves. */
export function sluiceCommand(argv: readonly string[], { netns, program = 'sluice' }: SluiceOptions = {}): string[] {
  const command = [join(BIN, program), ...argv];
  return netns === undefined ? command : ['nsenter', `--net=/run/netns/${netns}`, '--', ...command];
}

/** The environment of such a run: nothing of the caller's that could change what sluice prints. */
export function sluiceEnvironment(env: Readonly<Record<string, string>> = {}): Record<string, string> {
  const { PATH = '', HOME = '/', TMPDIR = tmpdir() } = process.env;
  return { PATH, HOME, TMPDIR, LC_ALL: 'C', ...env };
}

export interface TempState {
  root: string;
  /** SLUICE_STATE_DIR, SLUICE_RUN_DIR and SLUICE_BPFFS inside `root`, for `sluice` or `process.env`. */
  env: { SLUICE_STATE_DIR: string; SLUICE_RUN_DIR: string; SLUICE_BPFFS: string };
  /** Unmounts and removes all of it; what is pinned goes with the mount. */
  close(): void;
}

/** State directories and a BPF file system of one's own. @throws when not root. */
export function tempState(): TempState {
  const root = mkdtempSync(join(tmpdir(), 'state-'));
  const env = { SLUICE_STATE_DIR: join(root, 'state'), SLUICE_RUN_DIR: join(root, 'run'), SLUICE_BPFFS: join(root, 'bpf') };
  try {
    for (const directory of Object.values(env)) mkdirSync(directory);
    execFileSync('mount', ['-t', 'bpf', 'bpf', env.SLUICE_BPFFS]);
  } catch (error) {
    rmSync(root, { recursive: true });
    throw error;
  }
  return {
    root,
    env,
    close() {
      execFileSync('umount', [env.SLUICE_BPFFS]);
      rmSync(root, { recursive: true });
    },
  };
}

export interface Netns {
  name: string;
  path: string;
  /** Runs a program inside and returns what it printed. @throws when it fails. */
  run(argv: readonly string[], input?: string): string;
}

/** Makes a namespace for each label, whose loopback is up; `close` removes them. Nothing stays when one cannot be made. */
export function inNamespaces(labels: readonly string[]): { namespaces: Netns[]; close: () => void } {
  const namespaces: Netns[] = [];
  const close = (): void => namespaces.forEach(({ name }) => execFileSync('ip', ['netns', 'del', name]));
  try {
    for (const label of labels) namespaces.push(addNetns(label));
  } catch (error) {
    close();
    throw error;
  }
  return { namespaces, close };
}

/** Runs `use` with a new network namespace, whose loopback is up, and removes it however `use` ends. */
export async function withNetns<T>(label: string, use: (netns: Netns) => T | Promise<T>): Promise<T> {
  const netns = addNetns(label);
  try {
    return await use(netns);
  } finally {
    execFileSync('ip', ['netns', 'del', netns.name]);
  }
}

function addNetns(label: string): Netns {
  const name = `slt${process.pid}${label}`;
  const path = `/run/netns/${name}`;
  execFileSync('ip', ['netns', 'add', name]);
  execFileSync('ip', ['-n', name, 'link', 'set', 'lo', 'up']);
  return {
    name,
    path,
    run: ([file = '', ...args], input = '') =>
      execFileSync('nsenter', [`--net=${path}`, '--', file, ...args], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] }),
  };
}
