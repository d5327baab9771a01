import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { requireRoot } from '../support/require.ts';
import { schemaProblems } from '../support/schema.ts';
import { sluice, tempState, type TempState } from '../support/sluice.ts';

requireRoot();

const RULES = '*filter\n:INPUT DROP [1:2]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n[3:4] -A INPUT -p tcp -m tcp --dport 22 -j ACCEPT\n-A INPUT -j LOG\nCOMMIT\n';

let state: TempState;
let file: string;

beforeAll(() => {
  state = tempState();
  file = join(state.root, 'rules');
  writeFileSync(file, RULES);
});

afterAll(() => state.close());

it.each([
  ['IptablesRuleList', ['iptables', 'list', '-f', 'FILE']],
  ['IptablesRuleDetail', ['iptables', 'get', 'filter/INPUT', '-f', 'FILE']],
  ['IptablesRulesets', ['iptables', 'export', '-f', 'FILE']],
  ['KubeServicePortList', ['iptables', 'services', '-f', 'FILE']],
  ['MigrationPlanReport', ['migrate', 'plan', '-f', 'FILE']],
  ['ChangeList', ['change', 'list']],
  ['LabList', ['lab', 'list']],
  ['MtuOverhead', ['mtu']],
  ['MtuCheck', ['mtu', 'check', '--to', '127.0.0.1']],
  ['MtuStack', ['mtu', 'calc', '--encap', 'vxlan,wireguard', '--inner', '1300']],
  ['BpfLinkList', ['bpf', 'link', 'list']],
  ['BpfPipelineStepList', ['bpf', 'net']],
  ['BpfPinList', ['bpf', 'pin', 'list']],
  ['BpfGarbageList', ['bpf', 'gc']],
  ['BpfFeatureList', ['bpf', 'features']],
  ['BpfBtfList', ['bpf', 'btf', 'list']],
  ['BpfMapList', ['bpf', 'map', 'list']],
  ['LinkList', ['link', 'list']],
  ['Link', ['link', 'get', 'lo']],
  ['VxlanTunnelList', ['vxlan', 'list']],
  ['VxlanCheckInfoList', ['vxlan', 'check', '--list']],
  ['FdbEntryList', ['fdb', 'list']],
  ['Version', ['version']],
])('%s is what its schema says', async (kind, argv) => {
  const schema = JSON.parse((await sluice(['schema', kind])).stdout) as Record<string, unknown>;
  const { stdout, stderr } = await sluice([...argv.map((word) => (word === 'FILE' ? file : word)), '-o', 'json'], { env: state.env });
  expect(stderr).toBe('');
  expect(schemaProblems(schema, JSON.parse(stdout))).toEqual([]);
});

it('Error is what its schema says, on standard error', async () => {
  const schema = JSON.parse((await sluice(['schema', 'Error'])).stdout) as Record<string, unknown>;
  const { stdout, stderr, exitCode } = await sluice(['iptables', 'get', 'filter/NONE', '-f', file, '-o', 'json']);
  expect(stdout).toBe('');
  expect(exitCode).toBe(5);
  expect(schemaProblems(schema, JSON.parse(stderr))).toEqual([]);
});

it('names every kind, and refuses others', async () => {
  expect((await sluice(['schema'])).stdout.split('\n')).toContain('MigrationStatus');
  expect((await sluice(['schema', 'Nonsense'])).exitCode).toBe(5);
});
