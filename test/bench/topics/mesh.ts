/** A mesh of 1,000 nodes (999 forwarding entries, neighbours and routes) beside `ip -batch` and `bridge -batch` with the same lines. */

import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { sluiceCommand, tempState, withNetns, type Netns } from '../../support/sluice.ts';
import { timeCommands, timingTable, type Timed, type Timing } from '../timing.ts';
import type { Bench } from '../topic.ts';

const TURNS = 9;
const NODES = 1000;

interface MeshNode {
  name: string;
  underlay: string;
  podCIDR: string;
  mac: string;
}

const byte = (value: number): string => value.toString(16).padStart(2, '0');
const nodes = Array.from({ length: NODES }, (_, i): MeshNode => ({
  name: `node${i}`, underlay: i === 0 ? '172.30.0.1' : `10.0.${i >> 8}.${i & 255}`, podCIDR: `10.${100 + (i >> 8)}.${i & 255}.0/24`, mac: `02:00:00:00:${byte(i >> 8)}:${byte(i & 255)}`,
}));

export const bench: Bench = async ({ say }) => await withNetns('m', async (netns) => {
  netns.run(['ip', 'link', 'add', 'eth0', 'type', 'bridge']);
  netns.run(['ip', 'addr', 'add', '172.30.0.1/24', 'dev', 'eth0']);
  netns.run(['ip', 'link', 'set', 'eth0', 'up']);
  const state = tempState();
  try {
    const timings = await measure(netns, state.root, state.env);
    say(timingTable(timings));
    return timings;
  } finally {
    state.close();
  }
});

async function measure(netns: Netns, root: string, env: Readonly<Record<string, string>>): Promise<Timing[]> {
  const files = writeFiles(root);
  const sluice = (file: string): Omit<Timed, 'name'> => ({ argv: sluiceCommand(['vxlan', 'apply', '-f', file, '--netns', netns.name]), env });
  const native = (program: string, file: string): Omit<Timed, 'name'> => ({ argv: ['nsenter', `--net=${netns.path}`, program, '-batch', file] });
  // The first makes everything, the others find it; then the native tools make it again.
  const turns: Timing[][] = [];
  for (let turn = 0; turn < TURNS; turn++) {
    const ours = await timeCommands([
      { name: 'sluice vxlan apply, nothing there', ...sluice(files.yaml) }, { name: 'sluice vxlan apply, nothing differs', ...sluice(files.yaml) }, { name: 'the same from JSON', ...sluice(files.json) },
    ], 1);
    expectAll(netns);
    netns.run(['ip', 'link', 'del', 'vxlan0']);
    const theirs = await timeCommands([{ name: 'ip -batch, nothing there', ...native('ip', files.ip) }, { name: 'bridge -batch, nothing there', ...native('bridge', files.bridge) }], 1);
    expectAll(netns);
    netns.run(['ip', 'link', 'del', 'vxlan0']);
    turns.push([...ours, ...theirs]);
  }
  return turns[0]!.map(({ name }, i) => {
    const sorted = turns.map((turn) => turn[i]!).sort((a, b) => a.medianMs - b.medianMs);
    return { name, medianMs: sorted[Math.floor(TURNS / 2)]!.medianMs, leastMs: sorted[0]!.medianMs, peakMiB: Math.max(...sorted.map(({ peakMiB }) => peakMiB)) };
  });
}

function expectAll(netns: Netns): void {
  const counts = [['bridge', 'fdb', 'show', 'dev', 'vxlan0'], ['ip', 'neigh', 'show', 'dev', 'vxlan0', 'nud', 'permanent'], ['ip', 'route', 'show', 'dev', 'vxlan0']].map((argv) => netns.run(argv).trim().split('\n').length);
  if (counts.some((count) => count !== NODES - 1)) throw new Error(`entries: ${counts.join(', ')} in place of ${NODES - 1} of each`);
}

function writeFiles(root: string): Record<'yaml' | 'json' | 'ip' | 'bridge', string> {
  const document = { apiVersion: 'sluice.dev/v1', kind: 'VxlanMesh', metadata: { name: 'bench' }, spec: { vni: 42, device: 'vxlan0', nodes } };
  const list = nodes.map((node) => `  - name: ${node.name}\n    underlay: ${node.underlay}\n    podCIDR: ${node.podCIDR}\n    mac: ${node.mac}\n`).join('');
  const gateway = ({ podCIDR }: MeshNode): string => podCIDR.split('/')[0]!;
  const others = nodes.slice(1);
  const contents = {
    json: JSON.stringify(document),
    yaml: `apiVersion: sluice.dev/v1\nkind: VxlanMesh\nmetadata:\n  name: bench\nspec:\n  vni: 42\n  device: vxlan0\n  nodes:\n${list}`,
    ip: [
      `link add vxlan0 address ${nodes[0]!.mac} mtu 1450 type vxlan id 42 local 172.30.0.1 dstport 4789 nolearning`, 'link set vxlan0 up', `addr add ${gateway(nodes[0]!)}/32 dev vxlan0`,
      ...others.map((node) => `neigh replace ${gateway(node)} lladdr ${node.mac} dev vxlan0 nud permanent`), ...others.map((node) => `route add ${node.podCIDR} via ${gateway(node)} dev vxlan0 onlink`),
    ].join('\n'),
    bridge: others.map((node) => `fdb append ${node.mac} dev vxlan0 dst ${node.underlay}`).join('\n'),
  };
  const paths = Object.entries(contents).map(([name, text]) => {
    const path = join(root, `mesh.${name}`);
    writeFileSync(path, `${text}\n`);
    return [name, path] as const;
  });
  return Object.fromEntries(paths) as Record<'yaml' | 'json' | 'ip' | 'bridge', string>;
}
