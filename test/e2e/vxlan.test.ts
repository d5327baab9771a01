import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { requireRoot, requireTool } from '../support/require.ts';
import { schemaProblems } from '../support/schema.ts';
import { type Netns, sluice, type SluiceResult, tempState, type TempState } from '../support/sluice.ts';
import { withUnderlay } from '../support/underlay.ts';

let state: TempState;

beforeAll(() => {
  requireRoot();
  requireTool('setpriv');
  state = tempState();
});

afterAll(() => state.close());

/** Types a command line in a namespace; blanks separate words. */
const type = (netns: Netns, line: string, input?: string): Promise<SluiceResult> =>
  sluice([...line.split(' '), '--netns', netns.name], { env: state.env, ...(input === undefined ? {} : { input }) });

const tunnelsOf = (netns: Netns): string[] => (JSON.parse(netns.run(['ip', '-j', 'link', 'show', 'type', 'vxlan']) || '[]') as { ifname: string }[]).map(({ ifname }) => ifname);

const plain = (text: string): string => text.replaceAll(/c-[0-9a-f]{4}/g, 'c-ID').replaceAll(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, (mac) => (mac.startsWith('02') || mac.startsWith('00:00') ? mac : 'MAC'));

test('a tunnel is made, seen, extended and taken away', () => withUnderlay('eva', async (left) => {
  const created = await type(left, 'vxlan create dc1 --vni 42 --local 10.0.0.1 --remote 10.0.0.2 --remote 10.0.0.3 --address 10.200.0.1/24 --mac 02:00:00:00:00:01');
  expect(created).toMatchObject({ exitCode: 0, stderr: '' });
  expect(plain(created.stdout)).toBe(`SUMMARY  create VXLAN tunnel dc1, VNI 42
CHANGE   c-ID
STATE    confirmed
LOCAL    10.0.0.1
MTU      1450
MAC      02:00:00:00:00:01

Undo:  sluice change rollback c-ID
`);
  expect((await type(left, 'vxlan list')).stdout).toBe(`NAME  VNI  LOCAL     PORT  MTU   PEERS  STATE  OWNER   ISSUES
dc1   42   10.0.0.1  4789  1450  2      up     sluice  -
`);
  expect((await type(left, 'fdb add dc1 02:00:00:00:00:02 --dst 10.0.0.2')).exitCode).toBe(0);
  const expected = `DEVICE  MAC                DST       VLAN  TABLE  LIFETIME   USED  UPDATED
dc1     00:00:00:00:00:00  10.0.0.2  -     self   permanent  Ns    Ns
dc1     00:00:00:00:00:00  10.0.0.3  -     self   permanent  Ns    Ns
dc1     02:00:00:00:00:02  10.0.0.2  -     self   permanent  Ns    Ns
`;
  for (const words of ['fdb list', 'vxlan fdb list', 'fdb ls', 'vxlan fdb ls']) {
    const { stdout } = await type(left, `${words} dc1`);
    expect([words, stdout.replaceAll(/\d+s/g, 'Ns').split('\n').sort()]).toEqual([words, expected.split('\n').sort()]);
  }
  expect((await type(left, 'vxlan get dc1')).stdout).toContain('REMOTES    10.0.0.2, 10.0.0.3\n');
  const deleted = await type(left, 'vxlan delete dc1');
  expect(deleted).toMatchObject({ exitCode: 0, stdout: expect.stringContaining('NOTE     2 other ends are no longer reached through it') });
  expect(await type(left, 'vxlan list')).toMatchObject({ exitCode: 0, stdout: '', stderr: 'No tunnels found.\n' });
  const [, id] = /rollback (c-\w+)/.exec(deleted.stdout)!;
  expect((await sluice(['change', 'rollback', id!], { env: state.env })).exitCode).toBe(0);
  expect((await type(left, 'fdb list dc1 -o name')).stdout).toContain('fdb/dc1/02:00:00:00:00:02/10.0.0.2\n');
}));

test('what is done by netlink is shown as commands of iproute2, which do the same', () => withUnderlay('evb', async (left) => {
  const { stderr } = await type(left, 'vxlan create dc1 --vni 42 --dev eth0 --group 239.1.1.1 --show-native');
  const commands = stderr.split('\n').filter((line) => line.includes('ip link')).map((line) => line.split(' -- ')[1]!);
  expect(commands).toEqual(['ip link add name dc1 type vxlan id 42 group 239.1.1.1 dev eth0 dstport 4789', 'ip link set dev dc1 alias sluice up']);
  const made = left.run(['ip', '-d', 'link', 'show', 'dev', 'dc1']);
  left.run(['ip', 'link', 'delete', 'dc1']);
  for (const command of commands) left.run(command.split(' '));
  const withoutChance = (text: string): string => text.replace(/^\d+:/, '').replaceAll(/([0-9a-f]{2}:){5}[0-9a-f]{2}/g, 'MAC');
  expect(withoutChance(left.run(['ip', '-d', 'link', 'show', 'dev', 'dc1']))).toBe(withoutChance(made));
}));

test('every answer in JSON is what its schema says', () => withUnderlay('evc', async (left) => {
  const file = join(state.root, 'entries.yaml');
  writeFileSync(file, '- mac: 02:00:00:00:00:09\n  dst: 10.0.0.9\n');
  const lines: [string, string][] = [
    ['VxlanChange', 'vxlan create dc1 --vni 42 --local 10.0.0.1 --dry-run=client'], ['VxlanChange', 'vxlan create dc1 --vni 42 --local 10.0.0.1'], ['VxlanTunnelList', 'vxlan list'],
    ['VxlanTunnel', 'vxlan get dc1'], ['Link', 'link get dc1'], ['LinkList', 'link list'], ['VxlanChange', `fdb sync dc1 -f ${file}`], ['FdbEntryList', 'fdb list dc1'],
    ['VxlanChange', 'fdb delete dc1 02:00:00:00:00:09'], ['VxlanChange', 'vxlan delete dc1'],
  ];
  for (const [kind, line] of lines) {
    const { stdout, stderr } = await type(left, `${line} -o json`);
    expect([line, stderr]).toEqual([line, '']);
    const schema = JSON.parse((await sluice(['schema', kind])).stdout) as Record<string, unknown>;
    expect([line, schemaProblems(schema, JSON.parse(stdout))]).toEqual([line, []]);
  }
}));

test('entries go from one device to another through files', () => withUnderlay('evd', async (left) => {
  await type(left, 'vxlan create a --vni 1 --dev eth0 --remote 10.0.0.2 --remote 10.0.0.3');
  await type(left, 'vxlan create b --vni 2 --dev eth0');
  const listed = (await type(left, 'fdb list a -o yaml')).stdout.replaceAll('device: a', 'device: b');
  const dry = await type(left, 'vxlan fdb sync b -f - --dry-run=client', listed);
  expect(dry.stdout).toContain('bridge fdb append 00:00:00:00:00:00 dev b dst 10.0.0.3 self permanent');
  expect((await type(left, 'fdb list b')).stdout).toBe('');
  expect(await type(left, 'vxlan fdb sync b -f -', listed)).toMatchObject({ exitCode: 0, stderr: '' });
  expect((await type(left, 'fdb list b -o jsonpath={.items[*].destination}')).stdout.trim().split(/\s+/).sort()).toEqual(['10.0.0.2', '10.0.0.3']);
  expect((await type(left, 'fdb sync b -f -', listed)).stdout).toContain('Nothing to do.');
}));

describe('what is wrong has its exit code and its reason', () => {
  test.each<[number, string, string]>([
    [2, 'vxlan create dc1 --local 10.0.0.1', 'a tunnel needs --vni'],
    [2, 'vxlan create dc1 --vni 0 --local 10.0.0.1', '--vni 0 is out of range: 1 to 16777215'],
    [2, 'vxlan create dc1 --vni 16777216 --local 10.0.0.1', '--vni 16777216 is out of range'],
    [2, 'vxlan create dc1 --vni 1 --local 10.0.0.1 --port 0', '--port 0 is out of range: 1 to 65535'],
    [2, 'vxlan create dc1 --vni 1 --dev eth0 --local 10.0.0.1 --group ff05::1', 'are not of one family'],
    [2, 'vxlan create abcdefghijklmnop --vni 1 --dev eth0', 'has 16 bytes; an interface may have 15'],
    [3, 'vxlan create eth0 --vni 1 --local 10.0.0.1', 'there is already an interface eth0'],
    [3, 'vxlan create dc1 --vni 1 --dev eth0 --mtu 9000', 'an MTU of 9000 does not fit through eth0'],
    [3, 'vxlan create dc1 --vni 1 --dev eth0 --address 10.0.0.1/24', '10.0.0.1/24 is in use: eth0 has it'],
    [5, 'vxlan create dc1 --vni 1 --dev eth1', 'there is no interface eth1'],
    [5, 'vxlan get dc1', 'there is no interface dc1'],
    [2, 'vxlan get eth0', 'eth0 is no VXLAN device but veth'],
    [5, 'link get eth1', 'similar names: eth0'],
    [5, 'fdb delete eth0 02:00:00:00:00:02', 'eth0 has no entry for 02:00:00:00:00:02'],
    [2, 'fdb add eth0 02:00 --dst 10.0.0.2', '02:00 is no MAC address'],
    [5, 'fdb add eth0 02:00:00:00:00:02 --via eth9', 'there is no interface eth9'],
    [2, 'fdb sync eth0 -f /nonexistent', 'cannot read /nonexistent'],
    // The kernel's own words, from the rehearsal: nothing was begun.
    [3, 'vxlan create dc1 --vni 1 --local 10.0.0.1 --mtu 1000 --address fd01::1/64', 'RTM_NEWADDR fd01::1/64 dev dc1: EINVAL'],
    [2, 'fdb add eth0 02:00:00:00:00:02 --dst 10.0.0.2', 'eth0 is no VXLAN device: its entries have no remote end'],
    [7, 'fdb add lo 02:00:00:00:00:02', 'was reverted: RTM_NEWNEIGH lo 02:00:00:00:00:02: EINVAL: FDB add only supported for Ethernet devices'],
  ])('%d: %s', (exitCode, line, message) => withUnderlay('eve', async (left) => {
    const result = await type(left, line);
    expect(result).toMatchObject({ exitCode, stdout: '', stderr: expect.stringContaining(message) });
    expect(tunnelsOf(left)).toEqual([]);
  }));

  test('5: a namespace that is gone', async () => {
    expect(await sluice(['vxlan', 'list', '--netns', 'sl-nowhere'])).toMatchObject({ exitCode: 5, stderr: expect.stringContaining('no network namespace sl-nowhere') });
  });

  test('4: without the right to change links', () => withUnderlay('evf', async (left) => {
    const argv = ['setpriv', '--bounding-set=-net_admin', '--inh-caps=-net_admin', join(import.meta.dirname, '../../bin/sluice'), 'vxlan', 'create', 'dc1', '--vni', '1', '--local', '10.0.0.1', '--json'];
    const command = ['env', ...Object.entries(state.env).map(([name, value]) => `${name}=${value}`), ...argv];
    const { exitCode, message } = JSON.parse(left.run(['sh', '-c', `${command.map((word) => `'${word}'`).join(' ')} 2>&1 || :`])) as { exitCode: number; message: string };
    expect([exitCode, message]).toEqual([4, expect.stringContaining('EPERM')]);
  }));

  test('2: a network plugin owns it, and nobody can be asked', () => withUnderlay('evg', async (left) => {
    left.run(['ip', 'link', 'add', 'flannel.1', 'type', 'vxlan', 'id', '1', 'dstport', '8472']);
    expect(await type(left, 'vxlan delete flannel.1')).toMatchObject({ exitCode: 3, stderr: expect.stringContaining('flannel.1 belongs to flannel') });
    expect(await type(left, 'vxlan delete flannel.1 --force')).toMatchObject({ exitCode: 2, stderr: expect.stringContaining('add --yes') });
    expect(await type(left, 'vxlan delete flannel.1 --force --yes')).toMatchObject({ exitCode: 0 });
  }));

  test('7: nobody confirmed', () => withUnderlay('evh', async (left) => {
    const { stdout } = await type(left, 'vxlan create dc1 --vni 1 --dev eth0 --remote 10.0.0.2 --confirm-within 1s');
    expect(stdout).toMatch(/STATE {4}pending\n[\s\S]*REVERTS \S+ unless: {2}sluice change confirm c-/);
    expect(tunnelsOf(left)).toEqual(['dc1']);
    await expect.poll(() => tunnelsOf(left), { timeout: 15_000 }).toEqual([]);
    const [, directory] = /change confirm (c-\w+)/.exec(stdout)!;
    await expect.poll(() => readFileSync(join(state.env.SLUICE_STATE_DIR, 'changes', directory!, 'state'), 'utf8'), { timeout: 15_000 }).toMatch(/^reverted/);
  }));
});

test('links of every kind are listed, with what their kind tells', () => withUnderlay('evi', async (left) => {
  for (const words of ['br0 type bridge', 'vx type vxlan id 9 dev eth0 dstport 4789', 'ifb0 type ifb', 'v0 type veth peer name v1', 'mv type macvlan mode bridge'])
    left.run(['ip', 'link', 'add', ...(words.startsWith('mv') ? ['link', 'eth0'] : []), 'name', ...words.split(' ')]);
  left.run(['ip', 'tuntap', 'add', 'tun0', 'mode', 'tun']);
  left.run(['ip', 'link', 'set', 'v0', 'master', 'br0']);
  const { stdout } = await type(left, 'link list --columns name,type,master,detail');
  expect(stdout.split('\n').map((line) => line.trim().split(/ {2,}/))).toEqual([
    ['NAME', 'TYPE', 'MASTER', 'DETAIL'], ['br0', 'bridge', '-', 'stp off'], ['eth0', 'veth', '-', expect.stringMatching(/^peer if\d+ netns-id \d+$/)], ['ifb0', 'ifb', '-', '-'], ['lo', 'loopback', '-', '-'],
    ['mv', 'macvlan', '-', 'mode bridge dev eth0'], ['tun0', 'tun', '-', 'type tun'], ['v0', 'veth', 'br0', 'peer v1'], ['v1', 'veth', '-', 'peer v0'], ['vx', 'vxlan', '-', 'vni 9 port 4789 dev eth0'], [''],
  ]);
  expect((await type(left, 'link list --type veth --type ifb -o name')).stdout.split('\n')).toEqual(['link/eth0', 'link/ifb0', 'link/v0', 'link/v1', '']);
  expect((await type(left, 'link get v0')).stdout).toMatch(/As port of a bridge\nFACT +VALUE\nstate +disabled\n/);
}));

test('names are completed in every spelling', async () => {
  for (const words of [['link', 'get', ''], ['fdb', 'list', ''], ['vxlan', 'fdb', 'add', ''], ['vxlan', 'create', 'x', '--dev', '']])
    expect([words, (await sluice(['__complete', ...words])).stdout.split('\n')]).toEqual([words, expect.arrayContaining(['lo\t', ':4'])]);
  expect((await sluice(['__complete', 'fdb', 's'])).stdout).toMatch(/^sync\t/);
});
