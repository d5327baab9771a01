import { execFileSync, spawn } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { processesOf } from '../support/changes.ts';
import { generateRuleset } from '../support/ruleset-generator.ts';
import { requireKernel, requireRoot, requireTool } from '../support/require.ts';
import { sluice, sluiceCommand, sluiceEnvironment, tempState, type SluiceResult, type TempState } from '../support/sluice.ts';

requireRoot();
requireKernel('6.4', 'netfilter links');
requireTool('iptables-legacy-restore');

const LAB = `t${process.pid % 100_000}`;
const NODE = `sl-${LAB}-node1`;
const CLIENT = `sl-${LAB}-client`;
/** 10.244.1.1. */
const POD = `sl-${LAB}-pod1-1`;

let state: TempState;
let plan: string;

beforeEach(() => {
  state = tempState();
  plan = join(state.root, 'fw.plan');
});

afterEach(async () => {
  await run(['lab', 'down', LAB]);
  // A timer notices within a second that it has nothing left to do.
  for (let i = 0; i < 30 && processesOf(state.root).length > 0; i++) await sleep(100);
  state.close();
});

const run = (argv: readonly string[], netns?: string): Promise<SluiceResult> => sluice(argv, { env: state.env, ...(netns === undefined ? {} : { netns }) });

async function ok(argv: readonly string[], netns?: string): Promise<string> {
  const result = await run(argv, netns);
  expect(result, argv.join(' ')).toMatchObject({ exitCode: 0 });
  return result.stdout;
}

const inside = (namespace: string, argv: readonly string[], input = ''): string =>
  execFileSync('nsenter', [`--net=/run/netns/${namespace}`, '--', ...argv], { input, encoding: 'utf8', stdio: ['pipe', 'pipe', 'pipe'] });

/** The filter table without the lines that carry the time. */
const save = (backend: string, flags: readonly string[] = ['-c']): string =>
  inside(NODE, [`iptables-${backend}-save`, ...flags, '-t', 'filter']).replace(/^#.*\n/gm, '');

/** Lets the node's IPv6 router solicitations pass: they count, and would come between two snapshots. */
const quiet = (): string => inside(NODE, ['sysctl', '-q', '-w', 'net.ipv6.conf.all.router_solicitations=0']);

interface Traffic {
  sent: number;
  lost: number;
  refused: number;
  misjudged: number;
  connectionsFailed: number;
}

/**
 * Sends for some seconds, and expects that the network lost nothing. A request or an answer that a socket's full buffer
 * dropped had arrived: that happens when this machine gives a process no processor for a second, whatever the rules are.
 */
async function traffic(seconds: number): Promise<Traffic> {
  const before = overflows();
  const result = JSON.parse(await ok(['lab', 'traffic', '--host', '10.244.1.1', '--seconds', String(seconds), '--rate', '250', '-o', 'json'], CLIENT)) as Traffic;
  const network = { ...result, lost: result.lost - (overflows() - before) };
  expect(network, JSON.stringify(result)).toMatchObject({ sent: seconds * 250, lost: 0, refused: 0, misjudged: 0, connectionsFailed: 0 });
  return network;
}

/** UDP packets that found a full receive buffer, at the client and at the pod. @kernel UDP_MIB_RCVBUFERRORS */
function overflows(): number {
  const counts = [CLIENT, POD].map((namespace) => {
    const [names, values] = inside(namespace, ['grep', '^Udp:', '/proc/net/snmp']).trim().split('\n').map((line) => line.split(' '));
    return Number(values![names!.indexOf('RcvbufErrors')]);
  });
  return counts[0]! + counts[1]!;
}

describe.each(['legacy', 'nft'])('a firewall of more than 300 rules in iptables-%s', (backend) => {
  it('moves to eBPF under traffic, counts exactly, and comes back byte for byte', async () => {
    await ok(['lab', 'up', LAB, '--firewall', 'office', '--backend', backend]);
    quiet();
    await ok(['migrate', 'plan', '--out', plan, '--netns', NODE]);
    const running = traffic(4);
    await sleep(1000);
    await ok(['migrate', 'apply', plan, '--netns', NODE, '--confirm-within', '60s']);
    await running;
    expect(save(backend)).toContain('--object-pinned');

    const before = await ruleCounts();
    await traffic(1);
    const after = await ruleCounts();
    expect(after.get('pods-in#4')! - before.get('pods-in#4')!).toBe(25);
    expect(after.get('refuse#3')! - before.get('refuse#3')!).toBe(25);
    // One for the flow, and one more for each request that was sent before the first answer came.
    expect(after.get('pods-in#2')! - before.get('pods-in#2')!).toBeGreaterThanOrEqual(1);

    await ok(['change', 'confirm']);
    const id = (await ok(['change', 'list', '-o', 'jsonpath={.items[0].id}'])).trim();
    await ok(['change', 'rollback', id]);
    expect(save(backend)).toBe(readFileSync(join(state.env.SLUICE_STATE_DIR, 'changes', id, 'filter.ipv4'), 'utf8'));
    await traffic(1);
  });
});

/** Packets of every IPv4 rule by `chain#number`. */
async function ruleCounts(): Promise<Map<string, number>> {
  const status = JSON.parse(await ok(['migrate', 'status', '--netns', NODE, '-o', 'json'])) as {
    rules: { family: string; chain: string; number?: number; packets: number }[];
  };
  return new Map(status.rules.filter(({ family }) => family === 'ipv4').map(({ chain, number, packets }) => [`${chain}#${number ?? 'policy'}`, packets]));
}

describe('the dead-man timer', () => {
  it('reverts the node after the command line was killed, without sluice or Node in reach', async () => {
    await ok(['lab', 'up', LAB, '--firewall', 'small']);
    quiet();
    const before = save('legacy');
    await ok(['migrate', 'plan', '--out', plan, '--netns', NODE]);
    const [file, ...args] = sluiceCommand(['migrate', 'apply', plan, '--netns', NODE, '--confirm-within', '3s', '-v']);
    const child = spawn(file!, args, { env: sluiceEnvironment(state.env), stdio: ['ignore', 'pipe', 'ignore'] });
    // Killed as soon as it has said that it is done, so nothing of it can take part in the revert.
    await new Promise<void>((resolve) => child.stdout.once('data', () => resolve()));
    child.kill('SIGKILL');
    expect(save('legacy', [])).toContain('SLUICE-');
    for (let i = 0; i < 100 && save('legacy', []).includes('SLUICE-'); i++) await sleep(100);
    expect(save('legacy')).toBe(before);
    // The rules are back a moment before the timer writes that they are.
    await expect.poll(() => ok(['change', 'list', '-o', 'jsonpath={.items[0].state}']), { timeout: 15_000 }).toContain('reverted');
  });
});

describe('replacing a migrated ruleset', () => {
  it('swaps the map: no packet is lost or misjudged, and the new rules are in force', async () => {
    const pure = (extra: string): string => `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD DROP [0:0]\n:OUTPUT ACCEPT [0:0]\n-A FORWARD -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT\n${extra}-A FORWARD -d 10.244.0.0/16 -p udp -m udp --dport 5353 -j ACCEPT\n-A FORWARD -d 10.244.0.0/16 -p tcp -m tcp --dport 8080 -j ACCEPT\nCOMMIT\n`;
    await ok(['lab', 'up', LAB]);
    inside(NODE, ['iptables-legacy-restore'], pure(''));
    await ok(['migrate', 'plan', '-4', '--out', plan, '--netns', NODE]);
    await ok(['migrate', 'apply', plan, '--netns', NODE]);
    expect(inside(NODE, ['iptables-legacy', '-S', 'FORWARD']).trim()).toBe('-P FORWARD ACCEPT');
    const running = traffic(4);
    for (let version = 1; version <= 3; version++) {
      const file = join(state.root, `v${version}`);
      writeFileSync(file, pure(Array.from({ length: version * 50 }, (_, i) => `-A FORWARD -s 192.0.2.${i}/32 -j DROP\n`).join('')));
      await ok(['migrate', 'plan', '-f', file, '-4', '--out', plan]);
      const applied = JSON.parse(await ok(['migrate', 'apply', plan, '--netns', NODE, '-o', 'json'])) as { switchTime: string };
      expect(applied.switchTime).toMatch(/^\d+\.\d+ ms$/);
    }
    await running;
    const status = JSON.parse(await ok(['migrate', 'status', '--netns', NODE, '-o', 'json'])) as { rules: unknown[]; families: { generation: number }[] };
    expect(status.families[0]!.generation).toBe(4);
    expect(status.rules.length).toBe(156);
  });
});

describe('refusals change nothing', () => {
  it('a plan that was edited, for changed rules, for another namespace, or that is no plan', async () => {
    await ok(['lab', 'up', LAB]);
    await ok(['migrate', 'plan', '--out', plan, '--netns', NODE]);
    const text = readFileSync(plan, 'utf8');
    const before = save('legacy', []);
    const refused = async (argv: readonly string[], exitCode: number, code: string): Promise<void> => {
      const result = await run([...argv, '-o', 'json']);
      expect(result.stdout).toBe('');
      expect(JSON.parse(result.stderr)).toMatchObject({ code, exitCode });
      expect(result.exitCode).toBe(exitCode);
      expect(save('legacy', [])).toBe(before);
    };
    await refused(['migrate', 'apply', plan, '--netns', `sl-${LAB}-node2`], 3, 'SL3013');
    writeFileSync(plan, text.replace('dport 22', 'dport 23'));
    await refused(['migrate', 'apply', plan, '--netns', NODE], 2, 'SL3010');
    writeFileSync(plan, 'hello: world\n');
    await refused(['migrate', 'apply', plan, '--netns', NODE], 2, 'SL3010');
    await refused(['migrate', 'apply', join(state.root, 'absent'), '--netns', NODE], 2, 'SL1102');
    writeFileSync(plan, text);
    inside(NODE, ['iptables-legacy', '-A', 'INPUT', '-s', '192.0.2.1', '-j', 'DROP']);
    const changed = await run(['migrate', 'apply', plan, '--netns', NODE, '-o', 'json']);
    expect(JSON.parse(changed.stderr)).toMatchObject({ code: 'SL3012', exitCode: 3 });
    expect((await run(['migrate', 'status', '--netns', NODE])).exitCode).toBe(5);
  });

  it('one unconfirmed change at a time', async () => {
    await ok(['lab', 'up', LAB]);
    await ok(['migrate', 'plan', '--out', plan, '--netns', NODE]);
    await ok(['migrate', 'apply', plan, '--netns', NODE, '--confirm-within', '60s']);
    expect((await run(['migrate', 'apply', plan, '--netns', NODE])).exitCode).toBe(9);
    await ok(['change', 'rollback']);
  });
});

describe('plan', () => {
  it('reports every rule, stops on what cannot move, and keeps a chain in iptables when told to', async () => {
    const file = join(state.root, 'rules');
    writeFileSync(file, '*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n:A - [0:0]\n-A INPUT -m recent --update --seconds 9 -j A\n-A INPUT -j LOG\n-A A -j DROP\nCOMMIT\n');
    const refused = await run(['migrate', 'plan', '-f', file, '-o', 'json']);
    expect(refused.exitCode).toBe(6);
    expect(JSON.parse(refused.stderr)).toMatchObject({ code: 'SL3001', suggestions: [expect.stringContaining('--keep-in-iptables INPUT')] });
    const kept = JSON.parse(await ok(['migrate', 'plan', '-f', file, '--keep-in-iptables', 'A', '-o', 'json'])) as { results: Record<string, number> };
    expect(kept.results).toEqual({ native: 2, kept: 1 });
  });

  it('says what thousands of rules collapse to', async () => {
    const file = join(state.root, 'rules');
    const rules = Array.from({ length: 5000 }, (_, i) => `-A INPUT -s 10.0.${i >> 8}.${i & 255}/32 -j DROP\n`).join('');
    writeFileSync(file, `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${rules}COMMIT\n`);
    expect(await ok(['migrate', 'plan', '-f', file])).toContain('ipv4 INPUT: 5,000 rules are 3 intervals');
  });

  it.each(['flat', 'structured', 'overlapping'] as const)('plans generated %s rules', async (shape) => {
    const file = join(state.root, 'rules');
    writeFileSync(file, generateRuleset({ seed: 5, rules: 500, shape }));
    expect(await ok(['migrate', 'plan', '-f', file])).toContain('exact');
  });
});
