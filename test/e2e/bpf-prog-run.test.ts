import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { BpfProgram, pin } from '../../src/kernel/bpf/index.ts';
import { bpf as uapi } from '../../src/kernel/uapi/index.ts';
import { frameBytes } from '../../src/lib/packet/frame.ts';
import { parsePacketWords } from '../../src/lib/packet/words.ts';
import { run } from '../../src/tools/index.ts';
import { Fixtures } from '../support/compile-bpf.ts';
import { writePcap } from '../support/pcap.ts';
import { requireRoot, requireTool } from '../support/require.ts';
import { schemaProblems } from '../support/schema.ts';
import { sluice, tempState, withNetns, type SluiceResult, type TempState } from '../support/sluice.ts';

requireRoot();

const PACKET = 'udp 10.0.0.1:5000 > 10.0.0.2:53';

let state: TempState;
let fixtures: Fixtures;
let pins: string;

beforeAll(async () => {
  state = tempState();
  fixtures = new Fixtures();
  pins = join(state.env.SLUICE_BPFFS, 'pins');
  requireTool('bpftool');
  await run(['bpftool', 'prog', 'loadall', await fixtures.compile('run'), pins]);
  // bpftool's library is older than these programs.
  using program = BpfProgram.load({
    // r0 = 1; exit
    name: 'accept_all', type: uapi.BPF_PROG_TYPE_NETFILTER, expectedAttachType: uapi.BPF_NETFILTER, instructions: Buffer.from('b7000000010000009500000000000000', 'hex'), license: 'GPL',
  });
  pin(program.fd, join(pins, 'accept_all'));
});

afterAll(() => {
  fixtures.remove();
  state.close();
});

const prog = async (name: string, ...words: string[]): Promise<SluiceResult> => await sluice(['bpf', 'prog', 'run', join(pins, name), ...words], { env: state.env });

async function json(name: string, ...words: string[]): Promise<Record<string, unknown>> {
  const { stdout, stderr } = await prog(name, ...words, '-o', 'json');
  expect(stderr).toBe('');
  return JSON.parse(stdout) as Record<string, unknown>;
}

/** What bpftool makes of the same packet. */
async function bpftool(name: string, packet: string): Promise<{ retval: number; data_out: number[] }> {
  const file = join(state.root, 'packet');
  writeFileSync(file, frameBytes(parsePacketWords(packet)));
  const { stdout } = await run(['bpftool', '-j', 'prog', 'run', 'pinned', join(pins, name), 'data_in', file, 'data_out', '-']);
  return JSON.parse(stdout) as { retval: number; data_out: number[] };
}

it.each([
  ['xdp', 'drop_every_single_packet', PACKET, 'XDP_DROP', 1],
  ['xdp', 'bounce', 'vlan 3 udp 10.0.0.1:1 > 10.0.0.2:2', 'XDP_TX', 3],
  ['xdp', 'cut', 'tcp [fd00::1]:1 > [fd00::2]:80', 'XDP_PASS', 2],
  ['sched_cls', 'shoot_marked', PACKET, 'TC_ACT_OK', 0],
  ['socket_filter', 'keep_length', PACKET, 'keep 28 bytes', 28],
  ['cgroup_skb', 'let_out', 'icmp 10.0.0.1 > 10.0.0.2', 'pass', 1],
  ['lwt_xmit', 'send_on', PACKET, 'BPF_OK', 0],
])('%s: %s on %j ends with %s, as with bpftool', async (type, name, packet, verdict, result) => {
  expect(await json(name, '--packet', packet)).toMatchObject({ program: { type, name: name.slice(0, 15) }, verdict, result, repeat: 1, input: { hex: frameBytes(parsePacketWords(packet)).toString('hex') } });
  expect((await bpftool(name, packet)).retval).toBe(result);
});

describe('what a program changed', () => {
  it('is shown as fields and as bytes', async () => {
    const { output } = (await json('bounce', '--packet', PACKET)) as { output: Record<string, unknown> };
    expect(output).toMatchObject({
      length: 42, summary: PACKET,
      changedFields: [
        { field: 'eth.dst', before: '02:00:00:00:00:02', after: '02:00:00:00:00:01' }, { field: 'eth.src', before: '02:00:00:00:00:01', after: '02:00:00:00:00:02' },
        { field: 'ip.ttl', before: '64', after: '63' },
      ],
      changedBytes: [{ at: 5, before: '02', after: '01' }, { at: 11, before: '01', after: '02' }, { at: 22, before: '40', after: '3f' }],
    });
    expect(output['hex']).toBe((await bpftool('bounce', PACKET)).data_out.map((byte) => byte.toString(16).padStart(2, '0')).join(''));
    const { stdout } = await prog('bounce', '--packet', PACKET);
    expect(stdout).toMatch(/VERDICT +XDP_TX \(3\)\n[\s\S]*Changed fields\nFIELD +BEFORE +AFTER\n[\s\S]*ip\.ttl +64 +63\n\nChanged bytes\nAT +BEFORE +AFTER\n/);
  });

  it('may be the length', async () => {
    const { output } = (await json('cut', '--packet', PACKET)) as { output: Record<string, unknown> };
    expect(output).toMatchObject({ length: 28, summary: PACKET, changedBytes: [{ at: 0, before: '0200000000020200000000010800', after: '' }] });
  });

  it('may be in the context', async () => {
    expect(await json('shoot_marked', '--packet', PACKET, '--ctx', 'mark=7,cb0=0xffffffff')).toMatchObject({
      verdict: 'TC_ACT_SHOT', result: 2, output: { changedFields: [], changedBytes: [] }, context: [{ field: 'mark', before: '7', after: '9' }, { field: 'priority', before: '0', after: '3' }],
    });
  });

  it('follows from flags that stand before the program as well, each with one value', async () => {
    const { stdout } = await sluice(['bpf', 'prog', 'run', '--packet', PACKET, '--ctx', 'mark=7', '--ctx', 'cb1=2', join(pins, 'shoot_marked'), '-o', 'json'], { env: state.env });
    expect(JSON.parse(stdout)).toMatchObject({ verdict: 'TC_ACT_SHOT', context: [{ field: 'mark', before: '7' }, { field: 'priority' }] });
  });

  it('is nothing where the program only looks, also behind an Ethernet header that the kernel takes away', async () => {
    expect((await prog('let_out', '--packet', PACKET)).stdout).toMatch(/OUTPUT +unchanged\n$/);
  });
});

it.each([
  ['sched_act', uapi.BPF_PROG_TYPE_SCHED_ACT, 'TC_ACT_RECLASSIFY'],
  ['lwt_in', uapi.BPF_PROG_TYPE_LWT_IN, '1'],
  ['lwt_out', uapi.BPF_PROG_TYPE_LWT_OUT, '1'],
])('%s runs too', async (name, type, verdict) => {
  // r0 = 1; exit
  using program = BpfProgram.load({ name, type, expectedAttachType: 0, instructions: Buffer.from('b7000000010000009500000000000000', 'hex'), license: 'GPL' });
  pin(program.fd, join(pins, name));
  expect(await json(name, '--packet', PACKET)).toMatchObject({ program: { type: name }, verdict, result: 1, output: { changedBytes: [] } });
});

it.each([
  ['raw_tracepoint_writable', uapi.BPF_PROG_TYPE_RAW_TRACEPOINT_WRITABLE], ['tracepoint', uapi.BPF_PROG_TYPE_TRACEPOINT], ['perf_event', uapi.BPF_PROG_TYPE_PERF_EVENT],
  ['sk_msg', uapi.BPF_PROG_TYPE_SK_MSG], ['sk_skb', uapi.BPF_PROG_TYPE_SK_SKB], ['sock_ops', uapi.BPF_PROG_TYPE_SOCK_OPS], ['cgroup_device', uapi.BPF_PROG_TYPE_CGROUP_DEVICE],
  ['cgroup_sysctl', uapi.BPF_PROG_TYPE_CGROUP_SYSCTL], ['lwt_seg6local', uapi.BPF_PROG_TYPE_LWT_SEG6LOCAL],
])('the kernel does not run %s, and sluice says so', async (name, type) => {
  using program = BpfProgram.load({ name, type, expectedAttachType: 0, instructions: Buffer.from('b7000000010000009500000000000000', 'hex'), license: 'GPL' });
  pin(program.fd, join(pins, name));
  expect(() => program.testRun({ data: Buffer.alloc(64) })).toThrow('ENOTSUPP');
  expect(await prog(name)).toMatchObject({ exitCode: 6, stdout: '', stderr: expect.stringContaining(`running ${name} programs on request`) });
});

it('repeats, with the packet and the verdict of the first run', async () => {
  const ran = (await json('bounce', '--packet', PACKET, '--repeat', '1000')) as Record<string, unknown> & { durationNs: number };
  expect(ran).toMatchObject({ repeat: 1000, output: { changedFields: expect.arrayContaining([{ field: 'ip.ttl', before: '64', after: '63' }]) } });
  expect(ran.durationNs).toBeGreaterThan(0);
  expect((await prog('bounce', '--packet', PACKET, '--repeat', '1000')).stdout).toMatch(/DURATION +\d+ ns, the mean of 1000 runs\n/);
});

describe('a packet', () => {
  it('may come in hexadecimal', async () => {
    const hex = frameBytes(parsePacketWords(PACKET)).toString('hex').replaceAll(/(..)/g, '$1 ');
    expect(await json('from_interface', '--data-hex', hex)).toMatchObject({ input: { summary: PACKET, length: 42 } });
  });

  it('may come from a capture of real traffic', async () => {
    const file = join(state.root, 'lo.pcap');
    await withNetns('cap', async ({ name }) => await capture(name, file));
    expect(await json('drop_every_single_packet', '--pcap', file, '--number', '2')).toMatchObject({ verdict: 'XDP_DROP', input: { summary: expect.stringMatching(/^udp 127\.0\.0\.1:\d+ > 127\.0\.0\.1:9999$/) } });
    const { exitCode, stderr } = await prog('bounce', '--pcap', file, '--number', '99');
    expect([exitCode, stderr]).toEqual([2, expect.stringMatching(/has no packet 99[\s\S]*SL2562/)]);
  });

  it('comes in through the interface that is said, of the namespace that is said', async () => {
    expect((await json('from_interface', '--packet', PACKET, '--ctx', 'ingress_ifindex=1'))['verdict']).toBe('XDP_PASS');
    await withNetns('run', async ({ name, run: inside }) => {
      inside(['ip', 'link', 'add', 'slt0', 'index', '4242', 'type', 'veth', 'peer', 'name', 'slt1']);
      expect((await json('from_interface', '--packet', PACKET, '--ctx', 'ingress_ifindex=4242', '--netns', name))['verdict']).toBe('XDP_DROP');
    });
    const { exitCode, stderr } = await prog('from_interface', '--packet', PACKET, '--ctx', 'ingress_ifindex=4242');
    expect([exitCode, stderr]).toEqual([3, expect.stringContaining('SL2564')]);
  });
});

describe('types without a packet', () => {
  it('netfilter accepts, at the hook that is said', async () => {
    expect(await json('accept_all', '--packet', PACKET)).toMatchObject({ verdict: 'NF_ACCEPT', result: 1 });
    expect(await json('accept_all', '--packet', 'udp [fd00::1]:1 > [fd00::2]:2', '--ctx', 'hook=forward')).toMatchObject({ verdict: 'NF_ACCEPT' });
    expect((await prog('accept_all', '--packet', PACKET, '--ctx', 'hook=ingress')).stderr).toContain('it takes one of prerouting');
  });

  it('flow_dissector gives keys', async () => {
    expect(await json('dissect', '--packet', PACKET)).toMatchObject({ verdict: 'BPF_OK', flowKeys: { 'transport header': '34', protocol: 'udp', 'ethernet type': '0x0800' } });
    expect((await prog('dissect', '--packet', PACKET)).stdout).toMatch(/Flow keys\nFLOW KEY +VALUE\n[\s\S]*transport header +34\n/);
  });

  it('sk_lookup gets the addresses of a packet, of either family', async () => {
    expect(await json('refuse_port', '--packet', PACKET)).toMatchObject({ verdict: 'SK_DROP', result: 0 });
    expect(await json('refuse_port', '--packet', 'tcp [fd00::1]:53 > [fd00::2]:80')).toMatchObject({ verdict: 'SK_PASS', result: 1 });
  });

  it('raw_tracepoint gets arguments, syscall memory', async () => {
    expect(await json('add_arguments', '--ctx', '3,0x10')).toMatchObject({ verdict: '19', result: 19 });
    expect(await json('double_first', '--ctx-hex', '15000000')).toMatchObject({ result: 5, memory: '2a000000' });
  });
});

it.each([
  ['probe', ['--packet', PACKET], 6, 'SL2563', 'running kprobe programs on request is not supported'],
  ['watch_exits', [], 6, 'SL2563', 'running tracing programs on request'],
  ['bounce', [], 2, 'SL2561', 'xdp programs run on a packet: give --packet, --data-hex or --pcap'],
  ['bounce', ['--packet', 'udp nowhere'], 2, 'SL2560', "'nowhere': write ADDRESS"],
  ['bounce', ['--data-hex', '00112'], 2, 'SL2561', 'pairs of hexadecimal digits'],
  ['bounce', ['--data-hex', '0011'], 2, 'SL2561', '2 bytes are no frame'],
  ['bounce', ['--pcap', '/none.pcap'], 2, 'SL1102', 'cannot read /none.pcap'],
  ['bounce', ['--pcap', '/etc/passwd'], 2, 'SL2562', 'neither pcap nor pcapng'],
  ['bounce', ['--packet', PACKET, '--ctx', 'mark=1'], 2, 'SL2561', 'write NAME=VALUE with one of ingress_ifindex'],
  ['bounce', ['--packet', PACKET, '--ctx', 'ingress_ifindex=4294967296'], 2, 'SL2561', 'it takes a number of 4 bytes'],
  ['bounce', ['--packet', PACKET, '--ctx', 'constructor=1'], 2, 'SL2561', 'write NAME=VALUE'],
  ['bounce', ['--packet', PACKET, '--ctx-hex', '00'], 2, 'SL2561', '--ctx-hex is for syscall programs'],
  ['dissect', ['--packet', PACKET, '--ctx', 'mark=1'], 2, 'SL2561', 'no context that can be set'],
  ['double_first', ['--packet', PACKET], 2, 'SL2561', 'syscall programs take no packet'],
  ['double_first', ['--repeat', '2'], 2, 'SL2561', 'run once at a time'],
  ['refuse_port', ['--data-hex', '00'], 2, 'SL2561', 'describe them with --packet'],
  ['keep_length', ['--data-hex', '020000000002020000000001080045'], 3, 'SL2564', 'BPF_PROG_TEST_RUN keep_length): EINVAL'],
  ['none_such', ['--packet', PACKET], 5, 'SL2550', 'no program '],
])('%s %j is refused with %d %s', async (name, words, code, errorCode, message) => {
  const { exitCode, stdout, stderr } = await prog(name, ...words);
  expect([exitCode, stdout]).toEqual([code, '']);
  expect(stderr).toContain(errorCode);
  expect(stderr).toContain(message);
});

it('prints what its schema says', async () => {
  const schema = JSON.parse((await sluice(['schema', 'BpfProgramRun'])).stdout) as Record<string, unknown>;
  for (const words of [['bounce', '--packet', PACKET], ['dissect', '--packet', PACKET], ['refuse_port', '--packet', PACKET], ['double_first', '--ctx-hex', '01000000']])
    expect(schemaProblems(schema, await json(...(words as [string, ...string[]])))).toEqual([]);
});

it('takes packets of a capture without Ethernet headers', async () => {
  const file = join(state.root, 'raw.pcap');
  writeFileSync(file, writePcap([frameBytes(parsePacketWords(PACKET)).subarray(14)], 101));
  expect(await json('drop_every_single_packet', '--pcap', file)).toMatchObject({ input: { summary: PACKET } });
});

/** Two datagrams through the loopback of a namespace, as tcpdump writes them. */
async function capture(netns: string, file: string): Promise<void> {
  requireTool('tcpdump');
  const child = spawn('ip', ['netns', 'exec', netns, 'tcpdump', '-i', 'lo', '-U', '-Z', 'root', '-c', '2', '-w', file, 'udp'], { stdio: ['ignore', 'ignore', 'pipe'] });
  const ended = once(child, 'close');
  await once(child.stderr, 'data');
  const send = `import socket,time
s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM)
for i in range(50):
  s.sendto(b"hello",("127.0.0.1",9999))
  time.sleep(0.05)`;
  const sender = spawn('ip', ['netns', 'exec', netns, 'python3', '-c', send], { stdio: 'ignore' });
  const senderEnded = once(sender, 'close');
  await Promise.race([ended, sleep(10_000)]);
  child.kill();
  sender.kill();
  await senderEnded;
}
