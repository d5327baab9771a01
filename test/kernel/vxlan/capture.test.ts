/** Packets of a tunnel as `vxlan capture` sees them, beside tcpdump. */

import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { capturePackets, captureSummary, type CapturedLine, type CaptureSummary } from '../../../src/domain/vxlan/index.ts';
import { run } from '../../../src/tools/index.ts';
import { requireRoot, requireTool } from '../../support/require.ts';
import { VxlanLab } from '../../support/vxlan-lab.ts';

let lab: VxlanLab;
let folder: string;

beforeAll(async () => {
  requireRoot();
  requireTool('tcpdump');
  folder = mkdtempSync(join(tmpdir(), 'capture-'));
  lab = await VxlanLab.create('cap');
  await lab.base();
});

afterAll(async () => {
  await lab.remove();
  rmSync(folder, { recursive: true });
});

/** Sends datagrams through the tunnel: from host 1 to a port of host 2 where somebody listens and answers each. */
const TALK = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("10.200.0.1", 40000)); s.settimeout(5)
for i in range(int(sys.argv[1])):
  s.sendto(b"x" * int(sys.argv[2]), ("10.200.0.2", 7777)); s.recv(65535)
`;
const ECHO = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.bind(("10.200.0.2", 7777)); s.settimeout(20)
for i in range(int(sys.argv[1])):
  data, who = s.recvfrom(65535)
  s.sendto(data, who)
`;

async function talk(times: number, bytes = 10): Promise<void> {
  const echo = lab.run('h2', ['python3', '-c', ECHO, String(times)]);
  // The first datagram may come before the other side listens.
  for (let heard = false; !heard;) heard = (await lab.run('h2', ['sh', '-c', 'grep -c ":1E61 " /proc/net/udp || true'])).trim() !== '0';
  await lab.run('h1', ['python3', '-c', TALK, String(times), String(bytes)]);
  await echo;
}

interface Request {
  filter?: string;
  count?: number;
  file?: string;
  name?: string;
  /** Packet sockets on the host once ours is open. */
  sockets?: number;
}

/** Captures on host 1 while `meanwhile` runs, and a moment longer unless a count ends it. */
async function capture({ filter = '', count, file, name = 'vxlan100', sockets = 1 }: Request, meanwhile: () => Promise<void>): Promise<{ lines: CapturedLine[]; summary: CaptureSummary }> {
  const end = new AbortController();
  const packets = capturePackets({ name, netns: { path: lab.path('h1'), label: 'h1' }, filter, count, file, signal: end.signal });
  const lines: CapturedLine[] = [];
  // The generator starts with its first step, and sees packets a moment later.
  let next = packets.next();
  const stop = lab.tapped('h1', sockets).then(meanwhile).finally(() => setTimeout(() => end.abort(), 100));
  for (let step = await next; ; next = packets.next(), step = await next) {
    if (step.done === true) {
      await stop;
      return { lines, summary: step.value };
    }
    lines.push(step.value);
  }
}

const REQUEST = '172.30.0.1 > 172.30.0.2 vni 100 | 10.200.0.1:40000 > 10.200.0.2:7777 udp';
const ANSWER = '172.30.0.2 > 172.30.0.1 vni 100 | 10.200.0.2:7777 > 10.200.0.1:40000 udp';

describe('a capture', () => {
  it('shows both directions, outer and inner headers on one line, 50 bytes larger than what is inside', async () => {
    const { lines, summary } = await capture({ filter: 'udp port 7777' }, () => talk(3));
    expect(lines.map(({ text }) => text)).toEqual([REQUEST, ANSWER, REQUEST, ANSWER, REQUEST, ANSWER]);
    expect(lines.map(({ direction }) => direction)).toEqual(['out', 'in', 'out', 'in', 'out', 'in']);
    // Ethernet 14 + IP 20 + UDP 8 + 10 bytes inside, and the outer Ethernet 14 around 50.
    expect(lines[0]).toMatchObject({ device: 'eth0', length: 14 + 50 - 14 + 14 + 20 + 8 + 10 });
    expect(lines[0]!.time).toMatch(/^20\d\d-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z$/);
    expect(summary.lost).toBe(0);
    expect(captureSummary(summary)).toMatch(/^6 packets(, \d+ not matched)?, 0 lost$/);
  });

  it('ends after a count', async () => {
    const { lines, summary } = await capture({ filter: 'udp', count: 2 }, () => talk(3));
    expect(lines.map(({ text }) => text)).toEqual([REQUEST, ANSWER]);
    expect(summary.captured).toBe(2);
  });

  it('takes the same packets as tcpdump with the same expression', async () => {
    const pcap = join(folder, 'tcpdump.pcap');
    const expression = 'src host 172.30.0.1 and udp port 4789 and vxlan and dst port 7777';
    const dump = run(['tcpdump', '-n', '-i', 'eth0', '-c', '4', '-U', '-w', pcap, 'src host 172.30.0.1 and udp port 4789 and udp[52:2] = 7777'], { netns: lab.path('h1'), timeoutMs: 20_000 });
    await lab.tapped('h1');
    const { lines } = await capture({ filter: expression, sockets: 2 }, () => talk(4));
    await dump;
    const { stdout } = await run(['tcpdump', '-n', '-t', '-r', pcap]);
    expect(lines.map(({ text }) => text)).toEqual([REQUEST, REQUEST, REQUEST, REQUEST]);
    expect(stdout.match(/10\.200\.0\.1\.40000 > 10\.200\.0\.2\.7777: UDP, length 10/g)).toHaveLength(4);
  });

  it('writes a file that tcpdump reads, with whole packets', async () => {
    const file = join(folder, 'own.pcap');
    const { summary } = await capture({ filter: 'udp port 7777', file }, () => talk(2, 1200));
    expect(captureSummary(summary)).toMatch(new RegExp(`^4 packets written to ${file}`));
    const { stdout } = await run(['tcpdump', '-n', '-t', '-e', '-r', file]);
    expect(stdout.match(/length 1292: 172\.30\.0\.\d\.\d+ > 172\.30\.0\.\d\.4789: VXLAN, flags \[I\] \(0x08\), vni 100/g)).toHaveLength(4);
    expect(stdout.match(/UDP, length 1200/g)).toHaveLength(4);
    expect(stdout).not.toMatch(/truncated|\[\|/);
  });

  it('sees a tunnel without a device below on all devices, and writes it from the IP header on', async () => {
    await lab.ip('h1', ['link add vxlan7 type vxlan id 7 dstport 4790 local 172.30.0.1 remote 172.30.0.2', 'addr add 10.7.0.1/24 dev vxlan7', 'link set vxlan7 up', 'neigh add 10.7.0.2 lladdr 02:00:00:00:07:02 dev vxlan7']);
    const file = join(folder, 'any.pcap');
    const send = 'import socket; s=socket.socket(socket.AF_INET,socket.SOCK_DGRAM); s.sendto(b"x"*10,("10.7.0.2",9))';
    const { lines } = await capture({ name: 'vxlan7', filter: 'udp', file }, async () => void (await lab.run('h1', ['python3', '-c', send])));
    expect(lines.map(({ text, device }) => `${device} ${text}`)).toEqual([expect.stringMatching(/^eth0 172\.30\.0\.1 > 172\.30\.0\.2 vni 7 \| 10\.7\.0\.1:\d+ > 10\.7\.0\.2:9 udp$/)]);
    expect(readFileSync(file).readUInt32LE(20)).toBe(101);
    expect((await run(['tcpdump', '-n', '-t', '-T', 'vxlan', '-r', file])).stdout).toContain('vni 7');
    await lab.ip('h1', ['link del vxlan7']);
  });

  it('sees no packets of another VNI on the same port', async () => {
    await lab.ip('h1', ['link add vxlan8 type vxlan id 8 dstport 4789 local 172.30.0.1 remote 172.30.0.2 dev eth0', 'link set vxlan8 up']);
    const { lines } = await capture({ name: 'vxlan8', filter: 'udp' }, () => talk(2));
    expect(lines).toEqual([]);
    await lab.ip('h1', ['link del vxlan8']);
  });

  it.each([
    [{ name: 'nosuch' }, 'there is no VXLAN device nosuch'],
    [{ name: 'eth0' }, 'there is no VXLAN device eth0'],
    [{ filter: 'tcp[13]' }, 'filter:1:4:'],
  ])('%j is refused', async (request, text) => {
    const packets = capturePackets({ name: 'vxlan100', filter: '', netns: { path: lab.path('h1'), label: 'h1' }, signal: new AbortController().signal, ...request });
    await expect(packets.next()).rejects.toThrow(text);
  });
});
