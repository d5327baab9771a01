/** What `vxlan watch` counts, beside what was sent. */

import { afterAll, beforeAll, expect, it } from 'vitest';
import { watchTraffic, type TrafficSample } from '../../../src/domain/vxlan/index.ts';
import { requireRoot } from '../../support/require.ts';
import { VxlanLab } from '../../support/vxlan-lab.ts';

let lab: VxlanLab;

beforeAll(async () => {
  requireRoot();
  lab = await VxlanLab.create('watch', 3);
  await lab.known();
  await lab.vxlan(3, { more: 'nolearning' });
  await lab.know(1, 3);
});

afterAll(() => lab.remove());

const SEND = `
import socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
for i in range(int(sys.argv[2])): s.sendto(b"x" * 100, (sys.argv[1], 9999))
`;

const send = async (to: string, packets: number): Promise<void> => void (await lab.run('h1', ['python3', '-c', SEND, to, String(packets)]));

/** Samples until a while after the work is done; one tunnel. */
async function watch(work: () => Promise<void>): Promise<TrafficSample[]> {
  const end = new AbortController();
  const samples: TrafficSample[] = [];
  const started = Promise.withResolvers<void>();
  const watching = (async () => {
    for await (const sample of watchTraffic({ name: 'vxlan100', netns: { path: lab.path('h1'), label: 'h1' }, intervalMs: 200, signal: end.signal })) {
      samples.push(sample);
      started.resolve();
    }
  })();
  await Promise.race([started.promise, watching]);
  await work();
  await new Promise((resolve) => setTimeout(resolve, 500));
  end.abort();
  await watching;
  return samples;
}

/** Packets or bytes of all intervals together: rates of 200 ms have an error from rounding and from the clock. */
const total = (samples: readonly TrafficSample[], value: (sample: TrafficSample) => number): number => samples.reduce((sum, sample) => sum + value(sample), 0) / 5;

const sentTo = (address: string) => ({ remotes }: TrafficSample): number => remotes.find((remote) => remote.address === address)?.sent.packets ?? 0;

it('counts packets of each remote', async () => {
  const samples = await watch(async () => {
    await send('10.200.0.2', 60);
    await send('10.200.0.3', 30);
  });
  expect(total(samples, sentTo('172.30.0.2')) / total(samples, sentTo('172.30.0.3'))).toBeCloseTo(2, 0);
  expect(samples.flatMap(({ remotes }) => remotes.map(({ address }) => address))).toEqual(expect.arrayContaining(['172.30.0.2', '172.30.0.3']));
  expect(samples.some(({ sent }) => sent.packets > 0 && sent.bytes > 100 * sent.packets)).toBe(true);
});

it('counts drops with their reason', async () => {
  await lab.ip('h1', ['neigh replace 10.200.0.9 lladdr 02:00:00:00:00:09 dev vxlan100 nud permanent']);
  const samples = await watch(() => send('10.200.0.9', 20));
  expect(samples.some(({ drops, reasons }) => drops > 0 && (reasons['NO_TX_TARGET'] ?? 0) > 0)).toBe(true);
});

it('counts MACs that move', async () => {
  await lab.ip('h1', ['link set vxlan100 type vxlan learning']);
  const frame = 'import socket; s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW); s.bind(("vxlan100", 0)); s.send(bytes.fromhex("0200000000010200000000aa88b5") + bytes(46))';
  await lab.know(3, 1);
  const samples = await watch(async () => {
    for (const host of ['h2', 'h3', 'h2']) await lab.run(host, ['python3', '-c', frame]);
  });
  expect(samples.some(({ moves }) => moves > 0)).toBe(true);
});

it('ends after a count, and knows no device that is not there', async () => {
  const samples: TrafficSample[] = [];
  for await (const sample of watchTraffic({ netns: { path: lab.path('h1'), label: 'h1' }, intervalMs: 10, count: 2, signal: new AbortController().signal })) samples.push(sample);
  expect(samples.map(({ tunnel }) => tunnel)).toEqual(['vxlan100', 'vxlan100']);
  await expect(watchTraffic({ name: 'nosuch', netns: { path: lab.path('h1'), label: 'h1' }, intervalMs: 10, signal: new AbortController().signal }).next()).rejects.toThrow('there is no VXLAN device nosuch');
});
