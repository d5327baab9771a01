/** The same expression means the same to tcpdump, on the frames inside. */

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { compileFilter } from '../../../src/domain/vxlan/capture/filter/compile.ts';
import { readTunnelPacket } from '../../../src/domain/vxlan/capture/headers.ts';
import { pcapHeader, pcapRecord } from '../../../src/domain/vxlan/capture/pcap.ts';
import { run } from '../../../src/tools/index.ts';
import { requireTool } from '../../support/require.ts';
import { encapsulate, ethernet, innerFrame, MACS } from '../../support/tunnel-packets.ts';

const HOSTS = ['10.244.1.5', '10.244.2.8', '10.96.0.10', '192.0.2.1'];
const HOSTS6 = ['fd00:1::5', 'fd00:2::8'];
const PORTS = [53, 80, 443, 1500, 51_000];

/** Every pair of hosts with every protocol, and with ports in turn. */
const FRAMES = [HOSTS, HOSTS6].flatMap((hosts) => hosts.flatMap((from) => hosts.flatMap((to, i) => [1, 6, 17, 58, 132, 99].flatMap((protocol, k) => {
  const hasPorts = [6, 17, 132].includes(protocol);
  const ports = hasPorts ? { sourcePort: PORTS[(i + k) % 5]!, destinationPort: PORTS[(i * k) % 5]! } : {};
  return [innerFrame({ from, to, protocol, ...ports }), ...(hosts === HOSTS ? [innerFrame({ from, to, protocol, ...ports, fragmentOffset: 64 })] : [])];
})))).concat(ethernet(MACS.inner, 0x0806, Buffer.from('00010800060400010a00000000010af401050000000000000af40208', 'hex')), ethernet(MACS.outer, 0x88cc, Buffer.alloc(46)));

let folder: string;
let file: string;

beforeAll(() => {
  requireTool('tcpdump');
  folder = mkdtempSync(join(tmpdir(), 'filter-'));
  file = join(folder, 'inner.pcap');
  // A frame is told by its time: its number, in seconds.
  writeFileSync(file, Buffer.concat([pcapHeader(1), ...FRAMES.map((frame, i) => pcapRecord(BigInt(i) * 1_000_000_000n, frame.length, frame))]));
});

afterAll(() => rmSync(folder, { recursive: true }));

async function takenByTcpdump(expression: string): Promise<number[]> {
  const { stdout } = await run(['tcpdump', '-n', '-q', '-tt', '-r', file, expression]);
  return [...stdout.matchAll(/^(\d+)\.0+ /gm)].map(([, second]) => Number(second));
}

function takenByUs(expression: string): number[] {
  const filter = compileFilter(expression);
  return FRAMES.flatMap((frame, i) => (filter(readTunnelPacket(encapsulate(frame), { linkHeader: false })!) ? [i] : []));
}

it.each([
  '', 'ip', 'ip6', 'arp', 'tcp', 'udp', 'sctp', 'icmp', 'icmp6', 'not ip', 'host 10.244.1.5', 'host fd00:1::5', 'src host 10.244.1.5', 'dst 10.244.2.8', 'src or dst host 10.96.0.10',
  'src and dst host 10.244.1.5', 'ip host 10.244.2.8', 'arp host 10.244.2.8', 'net 10.244.0.0/16', 'src net 10.244.2.0/24', 'net 10.96.0.0 mask 255.240.0.0', 'dst net fd00:2::/32', 'port 53', 'src port 80',
  'tcp dst port 443', 'udp port 53 or 80', 'portrange 80-1500', 'tcp src portrange 1000-60000', 'ip proto 99', 'ip proto 6', 'ip6 proto 58', 'ether src 0a:00:00:00:00:01', 'ether host 02:00:00:00:00:01',
  'tcp or udp and port 53', 'arp or tcp and host 10.244.1.5', 'not tcp and not udp', '!(tcp || udp) && host 10.244.1.5', 'not (src 10.244.1.5 or dst 10.244.1.5)', '(host 10.244.1.5 or host 10.96.0.10) and port 80',
  'tcp port 80 or 443 or udp port 53', 'host 10.244.1.5 or 10.96.0.10 and icmp',
])('%j', async (expression) => {
  expect(takenByUs(expression)).toEqual(await takenByTcpdump(expression));
});
