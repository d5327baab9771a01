import { chmodSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { twoHosts, type Hosts } from '../support/hosts.ts';
import { requireRoot } from '../support/require.ts';
import { schemaProblems } from '../support/schema.ts';
import { sluice, tempState, type SluiceResult, type TempState } from '../support/sluice.ts';

requireRoot();

const MESH = `apiVersion: sluice.dev/v1
kind: VxlanMesh
metadata: {name: pods}
spec:
  vni: 42
  device: vxlan0
  nodes:
  - {name: node1, underlay: 172.30.0.1, podCIDR: 10.244.1.0/24, mac: 02:00:00:00:00:01}
  - {name: node2, underlay: 172.30.0.2, podCIDR: 10.244.2.0/24, mac: 02:00:00:00:00:02}
`;

let state: TempState;
let hosts: Hosts;
let file: string;

beforeAll(() => {
  state = tempState();
  hosts = twoHosts('e2em');
  file = join(state.root, 'mesh.yaml');
  writeFileSync(file, MESH);
});

afterAll(() => {
  hosts.close();
  state.close();
});

const run = async (argv: readonly string[], more: { input?: string; env?: Record<string, string> } = {}): Promise<SluiceResult> =>
  await sluice(['vxlan', ...argv, '--netns', hosts.host[0].name], { ...more, env: { ...state.env, ...more.env } });

const schemaOf = async (kind: string): Promise<Record<string, unknown>> => JSON.parse((await sluice(['schema', kind])).stdout) as Record<string, unknown>;

it('compares, applies, compares again, rolls back', async () => {
  const differs = await run(['diff', '-f', file]);
  expect(differs).toMatchObject({
    exitCode: 1,
    stdout: `   DEVICE  OBJECT     KEY                BEFORE  AFTER
+  vxlan0  link       -                  -       vni 42 local 172.30.0.1 port 4789 mtu 1450
+  vxlan0  address    10.244.1.0/32      -       10.244.1.0/32
+  vxlan0  fdb        02:00:00:00:00:02  -       172.30.0.2
+  vxlan0  neighbour  10.244.2.0         -       02:00:00:00:00:02
+  vxlan0  route      10.244.2.0/24      -       10.244.2.0
`,
  });
  const applied = await run(['apply', '-f', '-', '-o', 'json'], { input: MESH });
  expect(applied).toMatchObject({ exitCode: 0, stderr: '' });
  const object = JSON.parse(applied.stdout) as { change: string; changed: boolean; rows: unknown[] };
  expect(schemaProblems(await schemaOf('VxlanApplied'), object)).toEqual([]);
  expect([object.changed, object.rows.length]).toEqual([true, 5]);
  expect(await run(['diff', '-f', file])).toMatchObject({ exitCode: 0, stdout: '', stderr: 'Nothing differs.\n' });
  expect((await run(['apply', '-f', file])).stdout).toBe('DOCUMENT  VxlanMesh/pods: node1 of 2 nodes\nDEVICE    vxlan0\n\nNothing differs: nothing was changed.\n');
  expect((await sluice(['change', 'rollback', object.change], { env: state.env })).exitCode).toBe(0);
  const listed = await run(['diff', '-f', file, '-o', 'json']);
  expect(listed.exitCode).toBe(1);
  expect(schemaProblems(await schemaOf('VxlanDifferenceList'), JSON.parse(listed.stdout))).toEqual([]);
});

it('shows a plan without carrying it out', async () => {
  for (const dryRun of ['client', 'kernel']) {
    const { stdout, exitCode } = await run(['apply', '-f', file, `--dry-run=${dryRun}`, '--diff']);
    expect([exitCode, stdout.includes('CREATED   1 link, 1 address, 1 fdb entry, 1 neighbour, 1 route'), stdout.includes('+  vxlan0  route')]).toEqual([0, true, true]);
  }
  expect((await run(['diff', '-f', file])).exitCode).toBe(1);
});

it('reverts by itself what nobody confirms in time', async () => {
  const { stdout } = await run(['apply', '-f', file, '--confirm-within', '1m']);
  const [, id] = /^CHANGE +(c-[0-9a-f]{4})$/m.exec(stdout)!;
  expect(stdout).toContain(`REVERTS by itself unless:  sluice change confirm ${id}`);
  expect(await run(['apply', '-f', file, '--dry-run=client'])).toMatchObject({ exitCode: 0 });
  writeFileSync(join(state.root, 'other.yaml'), MESH.replace('vni: 42', 'vni: 43'));
  const { stderr, exitCode } = await run(['apply', '-f', join(state.root, 'other.yaml')]);
  expect([exitCode, stderr.split('\n')[0]]).toEqual([9, `error: change ${id} is not confirmed yet (pending)`]);
  expect((await sluice(['change', 'rollback', id!], { env: state.env })).exitCode).toBe(0);
});

/** There is no cluster here: this stands for kubectl and prints what one would. */
it('takes the nodes from the cluster, through kubectl or a file', async () => {
  const nodes = join(state.root, 'nodes.json');
  const item = (name: string, number: number) => ({ metadata: { name }, spec: { podCIDR: `10.244.${number}.0/24` }, status: { addresses: [{ type: 'InternalIP', address: `172.30.0.${number}` }] } });
  writeFileSync(nodes, JSON.stringify({ kind: 'List', items: [item('a', 1), item('b', 2), { metadata: { name: 'new' }, spec: {} }] }));
  const bin = join(state.root, 'bin');
  mkdirSync(bin);
  writeFileSync(join(bin, 'kubectl'), `#!/bin/sh\nprintf '%s\\n' "$*" >'${bin}/argv'\nexec cat '${nodes}'\n`);
  chmodSync(join(bin, 'kubectl'), 0o755);
  const template = join(state.root, 'template.yaml');
  writeFileSync(template, MESH.replace(/ {2}nodes:[\s\S]*/, ''));
  const byFile = await run(['diff', '-f', template, '--from', nodes, '-o', 'json']);
  const byTool = await run(['diff', '-f', template, '--from', 'kubernetes', '-o', 'json'], { env: { PATH: `${bin}:${process.env['PATH']}` } });
  const rows = ({ stdout }: SluiceResult): unknown => (JSON.parse(stdout) as { items: unknown }).items;
  expect(rows(byTool)).toEqual(rows(byFile));
  expect(JSON.parse(byFile.stdout)).toMatchObject({ metadata: { complete: false, warnings: ['new is left out: it has no InternalIP'] } });
  expect(readFileSync(join(bin, 'argv'), 'utf8')).toBe('get nodes -o json\n');
});

it.each([
  ['a file that is not there', ['diff', '-f', '/nonexistent'], '', 2, 'error: cannot read /nonexistent'],
  ['a mistake in the file', ['apply', '-f', '-'], MESH.replace('172.30.0.2', '172.30.0.1'), 2, 'error: stdin:9:29: node2 has the underlay address 172.30.0.1 of node1'],
  ['text that is no YAML', ['apply', '-f', '-'], 'a: [', 2, 'error: stdin:1:5: '],
  ['a file without documents', ['apply', '-f', '-'], '# nothing\n', 2, 'error: stdin has no document'],
  ['another kind', ['apply', '-f', '-'], MESH.replace('VxlanMesh', 'Mesh'), 2, 'error: stdin:2:7: kind must be VxlanTunnel or VxlanMesh, not "Mesh"'],
  ['a mesh of other nodes', ['diff', '-f', '-'], MESH.replaceAll('172.30', '172.31'), 5, 'error: this node is not in mesh pods'],
  ['a node that is not in it', ['diff', '-f', '-', '--node-name', 'node9'], MESH, 5, 'error: mesh pods has no node node9'],
  ['no file', ['apply'], '', 2, 'error: Missing required flag filename'],
])('refuses %s', async (_what, argv, input, exitCode, message) => {
  const result = await run(argv, { input });
  expect([result.exitCode, result.stderr.split('\n')[0]!.slice(0, message.length)]).toEqual([exitCode, message]);
});
