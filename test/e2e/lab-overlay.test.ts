import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { requireRoot, requireTool } from '../support/require.ts';
import { sluice, tempState, type SluiceResult, type TempState } from '../support/sluice.ts';

requireRoot();
requireTool('iptables-legacy');

const LAB = `ov${process.pid}`.slice(0, 12);
const node = (number: number): string => `sl-${LAB}-node${number}`;
const pod = (number: number): string => `sl-${LAB}-pod${number}-1`;

let state: TempState;

const run = async (argv: readonly string[], netns?: string): Promise<SluiceResult> => await sluice([...argv, ...(netns === undefined ? [] : ['--netns', netns])], { env: state.env });
const ok = async (argv: readonly string[], netns?: string): Promise<string> => {
  const { stdout, stderr, exitCode } = await run(argv, netns);
  expect(exitCode, `${argv.join(' ')}: ${stderr}`).toBe(0);
  return stdout;
};
const inside = (netns: string, ...argv: string[]): string => execFileSync('nsenter', [`--net=/run/netns/${netns}`, '--', ...argv], { encoding: 'utf8' });

beforeAll(async () => {
  state = tempState();
  await ok(['lab', 'up', LAB, '--overlay', 'vxlan', '--pods', '1']);
});

afterAll(async () => {
  await run(['lab', 'down', LAB]);
  state.close();
});

interface Count {
  packets: number;
  bytes: number;
}

/** Packets that the tunnel has sent; it counts them from their IP header on. */
function sentInner(netns: string): Count {
  const [{ stats64 }] = JSON.parse(inside(netns, 'ip', '-j', '-s', 'link', 'show', 'dev', 'vxlan0')) as [{ stats64: { tx: Count } }];
  return stats64.tx;
}

/** IP packets of VXLAN that have left, by a counter of netfilter: without the outer Ethernet header. */
function sentOuter(netns: string): Count {
  const [, packets, bytes] = /^ *(\d+) +(\d+) .*dpt:4789/m.exec(inside(netns, 'iptables-legacy', '-L', 'OUTPUT', '-nvx'))!;
  return { packets: Number(packets), bytes: Number(bytes) };
}

/** What a pod's TCP server says to another pod, and the reply of its UDP server. */
const ASK = (address: string): string => `
  const tcp = require('net').connect(8080, '${address}');
  tcp.on('data', (data) => process.stdout.write(data));
  tcp.on('end', () => {
    const udp = require('dgram').createSocket('udp4');
    udp.on('message', (data) => { console.log(String(data)); process.exit(0); });
    udp.send('x'.repeat(1000), 5353, '${address}');
  });`;

describe('an overlay of two hosts', () => {
  it('is made from one document, and is what the document says', async () => {
    const file = `${state.env.SLUICE_STATE_DIR}/labs/${LAB}.mesh.yaml`;
    expect(readFileSync(file, 'utf8')).toContain('kind: VxlanMesh');
    for (const number of [1, 2]) expect((await run(['vxlan', 'diff', '-f', file], node(number))).exitCode).toBe(0);
    expect(await ok(['vxlan', 'list', '--columns', 'NAME,VNI,LOCAL,PORT,MTU,PEERS,OWNER'], node(1))).toBe('NAME    VNI  LOCAL       PORT  MTU   PEERS  OWNER\nvxlan0  42   172.30.0.1  4789  1450  1      sluice\n');
  });

  it('carries TCP and UDP from pod to pod, with 50 bytes around every frame', async () => {
    inside(node(1), 'iptables-legacy', '-I', 'OUTPUT', '-p', 'udp', '--dport', '4789');
    const before = { inner: sentInner(node(1)), outer: sentOuter(node(1)) };
    const said = inside(pod(1), process.execPath, '-e', ASK('10.244.2.1'));
    expect(said).toBe(`hello from pod2-1\n${'x'.repeat(1000)}\n`);
    const after = { inner: sentInner(node(1)), outer: sentOuter(node(1)) };
    const [inner, outer] = [after.inner.packets - before.inner.packets, after.outer.packets - before.outer.packets];
    expect(inner).toBeGreaterThanOrEqual(5);
    expect(outer).toBe(inner);
    // IPv4 20, UDP 8, VXLAN 8 and the Ethernet header of the frame inside, 14.
    expect(after.outer.bytes - before.outer.bytes - (after.inner.bytes - before.inner.bytes)).toBe(50 * inner);
  });

  it('is shown encapsulated, and found healthy', async () => {
    const capture = run(['vxlan', 'capture', 'vxlan0', 'tcp dst port 8080', '--count', '2', '--timeout', '20s'], node(1));
    const traffic = setInterval(() => inside(pod(1), process.execPath, '-e', ASK('10.244.2.1')), 500);
    const { stdout } = await capture;
    clearInterval(traffic);
    expect(stdout.split('\n')[0]).toMatch(/^172\.30\.0\.1 > 172\.30\.0\.2 vni 42 \| 10\.244\.1\.1:\d+ > 10\.244\.2\.1:8080 tcp /);
    expect(await ok(['vxlan', 'check', 'vxlan0'], node(1))).toContain('RESULT  healthy');
  });

  it('leaves pods exactly 1450 bytes', async () => {
    const { stdout, exitCode } = await run(['mtu', 'check', '--to', '10.244.2.1', '-o', 'json'], pod(1));
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ paths: [{ to: '10.244.2.1', egressMtu: 1450, measured: { mtu: 1450 } }], findings: [] });
    expect(await ok(['mtu', 'check', '--to', 'fd00:244:2::1'], pod(1))).toContain('Nothing is wrong.');
  });
});

describe('the section of the article on creating VXLAN', () => {
  it('ip link add … group 239.1.1.1 dev eth0; ip link set up; ip addr add: multicast', async () => {
    for (const number of [1, 2]) await ok(['vxlan', 'create', 'vxlan1', '--vni', '43', '--port', '4789', '--local', `172.30.0.${number}`, '--group', '239.1.1.1', '--dev', 'eth0', '--address', `10.245.0.${number}/24`], node(number));
    expect(inside(node(1), 'ip', '-d', 'link', 'show', 'vxlan1')).toMatch(/mtu 1450 .*\n.*\n *vxlan id 43 group 239.1.1.1 local 172.30.0.1 dev eth0 .* dstport 4789/);
    expect(JSON.parse((await run(['mtu', 'check', '--to', '10.245.0.2', '-o', 'json'], node(1))).stdout)).toMatchObject({ paths: [{ to: '10.245.0.2', measured: { mtu: 1450 } }] });
  });

  it('bridge fdb append 00:00:00:00:00:00 dev … dst …: unicast, flood and learn', async () => {
    for (const number of [1, 2]) {
      await ok(['vxlan', 'create', 'vxlan2', '--vni', '44', '--local', `172.30.0.${number}`, '--dev', 'eth0', '--address', `10.246.0.${number}/24`], node(number));
      await ok(['vxlan', 'fdb', 'add', 'vxlan2', '00:00:00:00:00:00', '--dst', `172.30.0.${3 - number}`, '--append'], node(number));
    }
    expect(inside(node(1), 'bridge', 'fdb', 'show', 'dev', 'vxlan2')).toContain('00:00:00:00:00:00 dst 172.30.0.2 self permanent');
    expect(JSON.parse((await run(['mtu', 'check', '--to', '10.246.0.2', '-o', 'json'], node(1))).stdout)).toMatchObject({ paths: [{ to: '10.246.0.2', measured: { mtu: 1450 } }, { to: '172.30.0.2', carries: 'vxlan2', measured: { mtu: 1500 } }] });
    const [{ address }] = JSON.parse(inside(node(2), 'ip', '-j', 'link', 'show', 'vxlan2')) as [{ address: string }];
    expect(await ok(['vxlan', 'fdb', 'list', 'vxlan2'], node(1))).toMatch(new RegExp(`${address} +172.30.0.2`));
  });

  it('ip link show type vxlan: the same devices as sluice lists', async () => {
    const native = (JSON.parse(inside(node(1), 'ip', '-j', 'link', 'show', 'type', 'vxlan')) as { ifname: string }[]).map(({ ifname }) => ifname);
    expect((await ok(['vxlan', 'list', '-o', 'custom-columns=NAME:.name', '--no-headers'], node(1))).trim().split('\n')).toEqual(native.sort());
    expect(native).toEqual(['vxlan0', 'vxlan1', 'vxlan2']);
  });
});

it('goes as a whole', async () => {
  await ok(['lab', 'down', LAB]);
  expect(execFileSync('ip', ['netns', 'list'], { encoding: 'utf8' })).not.toContain(`sl-${LAB}-`);
  expect(existsSync(`${state.env.SLUICE_STATE_DIR}/labs/${LAB}.mesh.yaml`)).toBe(false);
});
