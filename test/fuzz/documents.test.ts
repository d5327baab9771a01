/** Documents of meshes and answers to probes against damage: refused with their place, or ignored, and never anything else. */

import { performance } from 'node:perf_hooks';
import { expect, test } from 'vitest';
import { echoRequest, readAnswer, type ProbeMark } from '../../src/domain/mtu/path/icmp.ts';
import { readMesh } from '../../src/domain/vxlan/mesh/read-mesh.ts';
import { readTunnel } from '../../src/domain/vxlan/mesh/read-tunnel.ts';
import { ParseError } from '../../src/lib/errors.ts';
import { readManifests, type Manifest } from '../../src/lib/manifest.ts';
import { seeded } from '../unit/classifier/rules.ts';

const SEED = Number(process.env['SLUICE_FUZZ_SEED'] ?? Date.now() % 1_000_000_000);
process.stderr.write(`fuzz seed: SLUICE_FUZZ_SEED=${SEED}\n`);

const DOCUMENTS = [
  `apiVersion: sluice.dev/v1
kind: VxlanMesh
metadata: {name: pods}
spec:
  vni: 42
  podCIDR: [10.244.0.0/16, "fd00:244::/32"]
  mtu: auto
  nodes:
  - {name: a, underlay: 10.0.0.1, podCIDR: 10.244.1.0/24, mac: 02:00:00:00:00:01}
  - name: b
    underlay: 10.0.0.2
    podCIDRs: [10.244.2.0/24, "fd00:244:2::/64"]
    gateway: 10.244.2.1
`,
  JSON.stringify({
    apiVersion: 'sluice.dev/v1', kind: 'VxlanTunnel', metadata: { name: 'vx0' },
    spec: { vni: 7, local: '10.0.0.1', remotes: ['10.0.0.2'], mtu: 1400, ttl: 'inherit', sourcePorts: { low: 1, high: 2 }, fdb: [{ mac: '02:00:00:00:00:0b', destination: '10.0.0.2' }], routes: [{ destination: '10.0.0.0/8', via: '10.9.0.1' }] },
  }, undefined, 1),
];
const WORDS = [
  '__proto__', 'constructor', 'null', '~', '[]', '{}', '-', ': ', '\n', '"', "'", '&a', '*a', '!!binary x', '!!js', '<<: *a', '0', '-1', '1e999', '.nan', '2026-11-25', '10.0.0.0/8', '::/0', '0.0.0.0/0', '\0', '\u202e', '\ud800', '%YAML 1.1', '---', '#', '|', '>', '? ', '\t',
  'x'.repeat(2000), '['.repeat(500), '9'.repeat(400),
];

const readAll = ([first]: readonly Manifest[]): unknown => (first === undefined ? undefined : first.kind === 'VxlanTunnel' ? readTunnel(first) : readMesh(first));

test('damaged documents are read, or refused with a place that is in the text', async () => {
  const random = seeded(SEED);
  const deadline = performance.now() + 2500;
  let [read, refused] = [0, 0];
  for (let round = 0; round < 50 || performance.now() < deadline; round++) {
    const text = damage(DOCUMENTS[random(2)]!, random);
    const error: unknown = await readManifests('fuzz', text, readAll).then(() => undefined, (reason: unknown) => reason);
    if (error === undefined) read++;
    else refused++;
    expect(error === undefined || isPlaced(error, text), `seed ${SEED}, round ${round}: ${String(error)} in ${JSON.stringify(text)}`).toBe(true);
  }
  expect([read > 0, refused > 0]).toEqual([true, true]);
});

const isPlaced = (error: unknown, text: string): boolean =>
  error instanceof ParseError && error.line >= 1 && error.line <= text.split('\n').length + 1 && error.column >= 1;

/** One to three cuts, copies or foreign words. */
function damage(text: string, random: (below: number) => number): string {
  let damaged = text;
  for (let times = 1 + random(3); times > 0; times--) {
    const at = random(damaged.length + 1);
    const end = Math.min(damaged.length, at + random(12));
    const piece = random(3) === 0 ? '' : random(2) === 0 ? WORDS[random(WORDS.length)]! : damaged.slice(random(damaged.length), random(damaged.length));
    damaged = damaged.slice(0, at) + piece.slice(0, 3000) + damaged.slice(end);
  }
  return damaged;
}

test.each<ProbeMark>([{ family: 'ipv4', target: Buffer.from([10, 0, 0, 2]), mark: 40_000 }, { family: 'ipv6', target: Buffer.from('fd000000000000000000000000000002', 'hex'), mark: 40_000 }])('$family: whatever arrives on a raw socket, no answer is made up', (mark) => {
  const random = seeded(SEED);
  const from = mark.target;
  const header = mark.family === 'ipv4' ? 20 : 0;
  for (let round = 0; round < 20_000; round++) {
    const packet = Buffer.from(Array.from({ length: random(80) }, () => random(256)));
    if (packet.length > 0 && mark.family === 'ipv4' && random(2) === 0) packet[0] = 0x45;
    if (packet.length > header && random(2) === 0) packet[header] = [0, 1, 2, 3, 129][random(5)]!;
    const answer = readAnswer(mark, packet, from);
    // A reply is recognised by 16 bits, so one in 65,536 random ones may pass for ours; a quoted packet has its address too.
    expect(answer === undefined || answer.kind === 'echo', `seed ${SEED}, round ${round}: ${packet.toString('hex')}`).toBe(true);
  }
});

test('a request of ours that comes back as a reply is told, with its number', () => {
  const mark: ProbeMark = { family: 'ipv6', target: Buffer.alloc(16, 1), mark: 40_001 };
  const reply = echoRequest(mark, 77, 1280);
  reply.writeUInt8(129, 0);
  expect(readAnswer(mark, reply, mark.target)).toEqual({ kind: 'echo', sequence: 77 });
  expect(readAnswer({ ...mark, mark: 40_002 }, reply, mark.target)).toBeUndefined();
});
