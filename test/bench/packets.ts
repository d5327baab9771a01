/**
 * Packets a second on one core: frames that the kernel generates on a veth (BPF_F_TEST_XDP_LIVE_FRAMES) go up the stack
 * of a namespace, through the INPUT rules, and end at one nftables rule behind them, which counts what was accepted.
 */

import { join } from 'node:path';
import { indexKey, loadObject, readBuiltin, type BpfProgram, type LoadedObject, type TestRun } from '../../src/kernel/bpf/index.ts';
import { SyscallError } from '../../src/lib/errors.ts';
import { inNetns } from '../../src/kernel/netns/index.ts';
import { sluice, tempState, withNetns, type Netns } from '../support/sluice.ts';
import { benchKeys, iptablesText, nftMapText, type BenchKeys, type BenchRuleset } from './rulesets.ts';

/** How rules are put in force. */
export const FIREWALLS = ['none', 'iptables-legacy', 'iptables-nft', 'nft map', 'sluice'] as const;
export type Firewall = (typeof FIREWALLS)[number];

const KEYS = 16_384;
const LIVE_FRAMES = 2;
const BATCH = 64;
const RUNS = 3;
/** A run takes at least this long: every one begins with making its pages, which takes milliseconds. */
const RUN_MS = 200;
const [FEWEST, MOST] = [1024, 4_194_304];

/**
 * The best of some runs; undefined where this firewall cannot hold the ruleset.
 *
 * @throws Error when another number of packets was accepted than the rules accept.
 */
export async function packetsPerSecond(firewall: Firewall, ruleset: BenchRuleset): Promise<number | undefined> {
  if (firewall === 'nft map' && nftMapText(ruleset) === undefined) return undefined;
  const keys = benchKeys(ruleset, KEYS);
  return withNetns('b', async (netns) => {
    setUp(netns);
    const undo = await install(firewall, ruleset, netns);
    try {
      return measure(netns, keys, firewall === 'none');
    } finally {
      await undo();
    }
  });
}

const SINK = `table ip sink {
  counter accepted {
  }
  chain input {
    type filter hook input priority 100
    counter name accepted drop
  }
}
`;

/** A veth that takes every source, and a sink behind the filter table. */
function setUp({ run }: Netns): void {
  run(['ip', 'link', 'add', 'bench0', 'type', 'veth', 'peer', 'name', 'bench1']);
  run(['ip', '-batch', '-'], [
    'link set bench0 up', 'link set bench1 up', 'address add 192.0.2.1/24 dev bench0', 'route add local 20.0.0.0/8 dev lo', 'route add 10.0.0.0/8 dev bench0', '',
  ].join('\n'));
  run(['sysctl', '-qw', 'net.ipv4.conf.all.rp_filter=0', 'net.ipv4.conf.bench0.rp_filter=0']);
  run(['nft', '-f', '-'], SINK);
}

async function install(firewall: Firewall, ruleset: BenchRuleset, netns: Netns): Promise<() => Promise<void>> {
  const nothing = async (): Promise<void> => undefined;
  if (firewall === 'none') return nothing;
  if (firewall === 'nft map') {
    netns.run(['nft', '-f', '-'], nftMapText(ruleset));
    return nothing;
  }
  netns.run([firewall === 'iptables-nft' ? 'iptables-nft-restore' : 'iptables-legacy-restore'], iptablesText(ruleset));
  return firewall === 'sluice' ? migrate(netns) : nothing;
}

/** As a user does it. */
async function migrate({ name }: Netns): Promise<() => Promise<void>> {
  const state = tempState();
  const plan = join(state.root, 'bench.plan');
  const command = async (...argv: string[]): Promise<boolean> => {
    const { exitCode, stderr } = await sluice([...argv, '--netns', name, '--no-input'], { env: state.env });
    if (exitCode !== 0 && !stderr.includes('SL3002')) throw new Error(`sluice ${argv.join(' ')}: ${stderr}`);
    return exitCode === 0;
  };
  // Where the exact diagram outgrows its budget, the counters that the plan then offers.
  if (!(await command('migrate', 'plan', '--out', plan))) await command('migrate', 'plan', '--out', plan, '--counters', 'verdict');
  await command('migrate', 'apply', plan, '--yes', '--confirm-within', '10m');
  return async () => {
    await command('change', 'rollback', '--yes');
    state.close();
  };
}

function measure(netns: Netns, keys: BenchKeys, all: boolean): number {
  using source = loadSource(keys);
  const { context, frame } = template(netns);
  const send = (count: number): number => inNetns(netns.path, () => timeRun(source.program('bench_source'), { data: frame, context, repeat: count, flags: LIVE_FRAMES, batchSize: BATCH }));
  let count = FEWEST;
  while (send(count) < RUN_MS && count < MOST) count *= 4;
  const best = Math.min(...Array.from({ length: RUNS }, () => send(count)));
  check(netns, keys, all);
  return (count / best) * 1000;
}

/** Milliseconds of a run that no signal cut short. */
function timeRun(program: BpfProgram, run: TestRun): number {
  const start = performance.now();
  try {
    program.testRun(run);
    return performance.now() - start;
  } catch (error) {
    if (error instanceof SyscallError && error.errnoName === 'EINTR') return timeRun(program, run);
    throw error;
  }
}

function loadSource(keys: BenchKeys): LoadedObject {
  const object = loadObject(readBuiltin('bench'), 'bench.bpf.o', {
    programs: ['bench_source'], sizes: { keys: { maxEntries: keys.count } }, constants: { key_count: keys.count },
  });
  for (let i = 0; i < keys.count; i++) object.map('keys').update(indexKey(i), keys.bytes.subarray(i * 128, (i + 1) * 128));
  return object;
}

/** An empty UDP datagram in Ethernet and IPv4; addresses, ports and checksum are the program's. */
const TEMPLATE = Buffer.concat([Buffer.alloc(12), Buffer.from(`08004500001c000000004011${'0000'.repeat(7)}00080000`, 'hex')]);

/** The frame, and the context (struct xdp_md) that says on which device it came. */
function template({ run }: Netns): { context: Buffer; frame: Buffer } {
  const [{ ifindex, address }] = JSON.parse(run(['ip', '-j', 'link', 'show', 'bench0'])) as [{ ifindex: number; address: string }];
  const [context, frame] = [Buffer.alloc(24), Buffer.from(TEMPLATE)];
  context.writeUInt32LE(frame.length, 4);
  context.writeUInt32LE(ifindex, 12);
  Buffer.from(address.replaceAll(':', ''), 'hex').copy(frame);
  return { context, frame };
}

function accepted({ accepted: verdicts, count }: BenchKeys, sent: number): number {
  const one = (limit: number): number => verdicts.reduce((sum, verdict, i) => sum + (verdict && i < limit ? 1 : 0), 0);
  return Math.floor(sent / count) * one(count) + one(sent % count);
}

/** Compares what the sink counted with what the rules accept of the packets that came. */
function check({ run }: Netns, keys: BenchKeys, all: boolean): void {
  const sent = Number(run(['awk', '/^Ip: [0-9]/ { print $4 }', '/proc/net/snmp']));
  const [counted, due] = [Number(/packets (\d+)/.exec(run(['nft', 'list', 'counter', 'ip', 'sink', 'accepted']))![1]), all ? sent : accepted(keys, sent)];
  if (counted !== due) throw new Error(`${counted} of ${sent} packets were accepted, ${due} are due`);
}
