/**
 * The tour that `npm start` takes: every step is a command as a user would type it, run for real in a lab.
 */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { OperationError } from '../../lib/errors.ts';
import { runOwn, runOwnInBackground, saveFilter } from './demo/apply.ts';
import type { TrafficResult } from './traffic.ts';

/** What the demo tells while it runs. */
export interface DemoStep {
  title?: string;
  /** A command line and what it printed. */
  command?: string;
  output?: string;
  note?: string;
}

export interface DemoOptions {
  /** Name of the lab; it must not exist. */
  name: string;
  firewall: string;
  tell: (step: DemoStep) => void;
}

/** Lines of a long output that are shown. */
const SHOWN = 14;

/** Runs the whole tour and takes the lab away again. @throws OperationError SL5002 when a step fails. */
export async function runDemo(options: DemoOptions): Promise<void> {
  const directory = mkdtempSync(join(tmpdir(), 'sluice-demo-'));
  // State of the demo stays apart from the node's own.
  const env = { SLUICE_STATE_DIR: join(directory, 'state'), SLUICE_RUN_DIR: join(directory, 'run') };
  try {
    await new Tour(options, directory, env).run();
  } finally {
    await runOwn(['lab', 'down', options.name], env);
    rmSync(directory, { recursive: true, force: true });
  }
}

class Tour {
  readonly #options: DemoOptions;
  readonly #node: string;
  readonly #plan: string;
  readonly #env: Readonly<Record<string, string>>;

  constructor(options: DemoOptions, directory: string, env: Readonly<Record<string, string>>) {
    this.#options = options;
    this.#node = `sl-${options.name}-node1`;
    this.#plan = join(directory, 'fw.plan');
    this.#env = env;
  }

  async run(): Promise<void> {
    const { name, firewall, tell } = this.#options;
    const netns = ['--netns', this.#node];
    tell({ title: 'A disposable network: two nodes, four pods, services, a firewall' });
    await this.#show(['lab', 'up', name, '--firewall', firewall]);
    tell({ title: 'What the firewall of node1 is, and which rule a packet hits' });
    await this.#show(['iptables', 'list', 'filter/FORWARD', ...netns]);
    await this.#show(['iptables', 'services', ...netns]);
    await this.#show(['iptables', 'test', '--proto', 'tcp', '--from', '172.30.0.200:40000', '--to', '10.244.1.1:8080', ...netns]);
    await this.#show(['iptables', 'test', '--proto', 'udp', '--from', '172.30.0.200:40000', '--to', '10.244.1.1:9999', ...netns], [1]);
    tell({ title: 'Plan the move of the filter table to eBPF, and prove it' });
    await this.#show(['migrate', 'plan', '--out', this.#plan, ...netns]);
    await this.#show(['migrate', 'verify', this.#plan, '--packets', '3000']);
    await this.#underTraffic(netns);
    tell({ title: 'Go back: the rules and their counters are as they were' });
    const before = this.#snapshot;
    await this.#show(['change', 'rollback', this.#change]);
    const same = (await saveFilter(this.#node)) === before;
    tell({ note: same ? 'iptables-save -c is byte for byte what it was before the migration' : 'iptables-save -c DIFFERS from before the migration' });
    if (!same) throw new OperationError('the rollback did not restore the rules', { code: 'SL5002' });
  }

  #change = '';
  #snapshot = '';

  async #underTraffic(netns: readonly string[]): Promise<void> {
    const { tell } = this.#options;
    tell({ title: 'Switch under live traffic, with a timer that reverts unless confirmed' });
    const quiet = await this.#traffic(3).result;
    const running = this.#traffic(6);
    await pause(1000);
    await this.#show(['migrate', 'apply', this.#plan, '--confirm-within', '60s', ...netns]);
    this.#snapshot = await this.#snapshotOfChange();
    const during = await running.result;
    tell({ note: describe('traffic while the rules moved', during) });
    if (during.misjudged > 0) throw new OperationError('packets were misjudged during the switch', { code: 'SL5002' });
    await this.#show(['change', 'confirm']);
    const after = await this.#traffic(3).result;
    tell({ title: 'Every rule counts as before' });
    await this.#show(['migrate', 'status', ...netns]);
    tell({ title: 'Before and after, measured from the client through node1', note: `${describe('iptables', quiet)}\n${describe('eBPF', after)}` });
  }

  /** What a rollback restores is what the change recorded, since traffic ran on until the switch. */
  async #snapshotOfChange(): Promise<string> {
    const { stdout } = await runOwn(['change', 'list', '-o', 'jsonpath={.items[0].id}'], this.#env);
    this.#change = stdout.trim();
    const { stdout: card } = await runOwn(['change', 'get', this.#change, '-o', 'jsonpath={.directory}'], this.#env);
    return readFileSync(join(card.trim(), 'filter.ipv4'), 'utf8');
  }

  #traffic(seconds: number): { result: Promise<TrafficResult> } {
    return runOwnInBackground<TrafficResult>([
      'lab', 'traffic', '--host', '10.244.1.1', '--seconds', String(seconds), '--rate', '1000',
    ], `sl-${this.#options.name}-client`, this.#env);
  }

  async #show(argv: readonly string[], allowed: readonly number[] = [0]): Promise<void> {
    const { stdout, stderr, exitCode } = await runOwn(argv, this.#env);
    const lines = stdout.trimEnd().split('\n');
    const cut = lines.length > SHOWN + 2 ? [...lines.slice(0, SHOWN), `… ${lines.length - SHOWN} more lines`] : lines;
    this.#options.tell({ command: `sluice ${argv.join(' ')}`, output: [...cut, ...(exitCode === 0 ? [] : stderr.trimEnd().split('\n'))].filter((line) => line !== '').join('\n') });
    if (!allowed.includes(exitCode)) throw new OperationError(`sluice ${argv.join(' ')} exited ${exitCode}`, { code: 'SL5002', causes: [stderr.trim()] });
  }
}

function describe(what: string, { sent, lost, misjudged, connections, connectionsFailed, p50Us, p99Us }: TrafficResult): string {
  return `${what}: ${sent} UDP requests, ${lost} lost, ${misjudged} misjudged; ${connections} TCP connections, ${connectionsFailed} failed; round trip p50 ${p50Us} us, p99 ${p99Us} us`;
}

const pause = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));
