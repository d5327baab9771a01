/** What tests of changes need: a state directory, namespaces with rules, and processes that make changes. */

import { spawn, spawnSync, type ChildProcess } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { beginChange, getChange, type Change, type ChangeRequest, type ChangeState, type OpenChange } from '../../src/domain/changes/index.ts';
import type { AgentSettings, RollbackSettings } from './change-agent.ts';

/** A ruleset with counters, so that a revert that loses them is seen. */
const RULES = `*filter
:INPUT ACCEPT [11:1100]
:FORWARD DROP [0:0]
:OUTPUT ACCEPT [7:700]
:WEB - [0:0]
[5:500] -A INPUT -p tcp -m tcp --dport 80 -j WEB
[3:300] -A WEB -s 10.1.0.0/16 -j ACCEPT
[2:200] -A WEB -j DROP
COMMIT
`;

const RESTORE = '/usr/sbin/iptables-legacy-restore';

/** A fresh state and run directory, set in the environment; `close` removes it and reports what was left behind. */
export function useChangeDirectories(): { root: string; close: () => void } {
  const root = mkdtempSync(join(tmpdir(), 'sluice-changes-'));
  process.env['SLUICE_STATE_DIR'] = join(root, 'state');
  process.env['SLUICE_RUN_DIR'] = join(root, 'run');
  return { root, close: () => rmSync(root, { recursive: true, force: true }) };
}

/** Processes whose command line names `root`: timers and revert scripts that should have ended. */
export function processesOf(root: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .map((pid) => `${pid} ${commandLine(pid)}`)
    .filter((line) => line.includes(root));
}

/** A network namespace with a ruleset in iptables-legacy. */
export class RuledNamespace {
  readonly name: string;

  constructor(label: string) {
    this.name = `slchg${process.pid}${label}`;
    command(['ip', 'netns', 'add', this.name]);
    this.iptables([RESTORE, '-c'], RULES);
  }

  /** Runs a command inside. */
  iptables(argv: readonly string[], input = ''): string {
    return command(['nsenter', `--net=/run/netns/${this.name}`, '--', ...argv], input);
  }

  /** The rules with their counters, without the comment lines that hold the time. */
  save(): string {
    return this.iptables(['iptables-legacy-save', '-c']).replace(/^#.*\n/gm, '');
  }

  append(source: string): void {
    this.iptables(['iptables-legacy', '-A', 'INPUT', '-s', source, '-j', 'DROP']);
  }

  delete(): void {
    if (readdirSync('/run/netns').includes(this.name)) command(['ip', 'netns', 'del', this.name]);
  }

  /** Begins a change in this namespace from the test's own process. */
  async begin(request: Partial<ChangeRequest> = {}): Promise<OpenChange> {
    const before = this.save();
    return await beginChange({
      kind: 'test',
      summary: 'one rule',
      argv: ['test'],
      netns: { path: `/run/netns/${this.name}`, label: this.name },
      files: { 'rules.v4': before },
      revertSteps: [{ title: 'Restore the rules', argv: [RESTORE, '-c'], stdinFile: 'rules.v4', check: [RESTORE, '--test'] }],
      diff: { before, after: `${before}one rule\n` },
      ...request,
    });
  }

  /** Begins, appends one rule and says so: a change that is through. */
  async change(request: Partial<ChangeRequest> = {}): Promise<Change> {
    const change = await this.begin(request);
    this.append('10.8.8.8');
    return await change.applied();
  }
}

/** A process that makes a change and stops where it is told. */
export class Agent {
  readonly process: ChildProcess;
  private output = '';

  constructor(settings: AgentSettings | RollbackSettings, { terminal = false, env = {} as Record<string, string> } = {}) {
    const argv = [process.execPath, join(import.meta.dirname, 'change-agent.ts'), JSON.stringify(settings)];
    const [program = '', ...rest] = terminal ? ['/usr/bin/script', '-qec', argv.map((word) => `'${word}'`).join(' '), '/dev/null'] : argv;
    this.process = spawn(program, rest, { env: { ...process.env, ...env }, stdio: ['pipe', 'pipe', 'inherit'] });
    this.process.stdout?.on('data', (text: Buffer) => (this.output += text.toString()));
  }

  /** Waits for a line that begins with `word` and returns what follows it. */
  async said(word: string): Promise<string> {
    return await eventually(
      () => new RegExp(`^${word} ?(\\S*)\\r?$`, 'm').exec(this.output)?.[1],
      () => `'${word}' after ${JSON.stringify(this.output)}`,
    );
  }

  async kill(signal: NodeJS.Signals): Promise<void> {
    this.process.kill(signal);
    await this.ended();
  }

  async ended(): Promise<void> {
    await eventually(() => (this.process.exitCode ?? this.process.signalCode) !== null || undefined);
  }
}

/** Lets the deadline of a change come now: a test on a busy machine cannot promise to be ready before a short one. */
export function expire(id: string): void {
  const run = join(process.env['SLUICE_RUN_DIR'] ?? '', 'changes', id);
  const token = readdirSync(run).find((name) => name.startsWith('armed.')) ?? '';
  renameSync(join(run, token), join(run, 'armed.1'));
}

/** Waits until the change has the state. */
export async function reaches(id: string, state: ChangeState): Promise<void> {
  await eventually(async () => (await getChange(id)).state === state || undefined, () => `change ${id} to be ${state}`);
}

/** Repeats `look` until it gives something. @throws after 20 s */
export async function eventually<T>(look: () => T | undefined | Promise<T | undefined>, what = () => 'what was awaited'): Promise<T> {
  for (let tries = 0; tries < 400; tries++) {
    const found = await look();
    if (found !== undefined) return found;
    await sleep(50);
  }
  throw new Error(`${what()} did not come within 20 s`);
}

function command(argv: readonly string[], input = ''): string {
  const { status, stdout, stderr, error } = spawnSync(argv[0]!, argv.slice(1), { input, encoding: 'utf8' });
  if (status !== 0) throw new Error(`${argv.join(' ')}: ${error?.message ?? stderr}`);
  return stdout;
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}
