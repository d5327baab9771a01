import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { rollbackChange } from '../../../src/domain/changes/index.ts';
import { type ChangeContext, createTunnel, deleteTunnel, getTunnel, listTunnels, type TunnelWords } from '../../../src/domain/vxlan/index.ts';
import { changeBridgePort, getLink, openNetlink } from '../../../src/kernel/netlink/index.ts';
import { inNetns } from '../../../src/kernel/netns/index.ts';
import { bindSocket, type Fd, openSocket, receive, sendTo } from '../../../src/kernel/syscalls/index.ts';
import { socket as uapi } from '../../../src/kernel/uapi/index.ts';
import { requireRoot, requireTool } from '../../support/require.ts';
import { type Netns, tempState, type TempState } from '../../support/sluice.ts';
import { withUnderlay } from '../../support/underlay.ts';

let state: TempState;

beforeAll(() => {
  requireRoot();
  requireTool('bridge');
  state = tempState();
  Object.assign(process.env, state.env);
});

afterAll(() => {
  for (const name of Object.keys(state.env)) delete process.env[name];
  state.close();
});

const context = ({ path, name }: Netns, more: Partial<ChangeContext> = {}): ChangeContext => ({ netns: { path, label: name }, argv: ['sluice', 'test'], session: { stdinIsTerminal: false }, ...more });
type Json = Record<string, unknown>;
const json = (netns: Netns, argv: readonly string[]): Json[] => JSON.parse(netns.run(argv) || '[]') as Json[];

/** A device as `ip` shows it, without what no two devices share. */
function device(netns: Netns, name: string): Json {
  const { ifindex: _ifindex, address: _address, inet6_addr_gen_mode: _mode, ...rest } = json(netns, ['ip', '-d', '-j', 'link', 'show', 'dev', name])[0]!;
  return JSON.parse(JSON.stringify(rest).replaceAll(`"${name}"`, '"NAME"').replaceAll(/8000\.[0-9a-f:]+/g, 'BRIDGE')) as Json;
}

const entries = (netns: Netns, name: string): Json[] => json(netns, ['bridge', '-d', '-j', 'fdb', 'show', 'dev', name]).map(({ ifname: _ifname, ...entry }) => entry);

describe('a tunnel is the device that `ip link` makes', () => {
  test.each<[string, TunnelWords, string]>([
    ['unicast, one end', { name: 'ours', vni: 42, local: '10.0.0.1', dev: 'eth0', remotes: ['10.0.0.2'] }, 'id 42 local 10.0.0.1 dev eth0 remote 10.0.0.2 dstport 4789'],
    ['without an underlay interface', { name: 'ours', vni: 42, local: '10.0.0.1', remotes: ['10.0.0.2'] }, 'id 42 local 10.0.0.1 remote 10.0.0.2 dstport 4789 MTU 1450'],
    ['multicast', { name: 'ours', vni: 43, dev: 'eth0', group: '239.1.1.1', ttl: '8' }, 'id 43 dev eth0 group 239.1.1.1 dstport 4789 ttl 8'],
    ['IPv6, multicast', { name: 'ours', vni: 44, dev: 'eth0', local: 'fd00::1', group: 'ff05::100' }, 'id 44 dev eth0 local fd00::1 group ff05::100 dstport 4789'],
    ['IPv6, unicast', { name: 'ours', vni: 44, local: 'fd00::1', remotes: ['fd00::2'] }, 'id 44 local fd00::1 remote fd00::2 dstport 4789 MTU 1430'],
    ['every switch', { name: 'ours', vni: 16_777_215, dev: 'eth0', local: '10.0.0.1', port: 4790, learning: false, proxy: true, l2miss: true, l3miss: true, ttl: 'inherit', tos: 'inherit', df: 'set', gbp: true, sourcePorts: '40000:50000', ageingSeconds: 77, mtu: '1400' },
      'id 16777215 dev eth0 local 10.0.0.1 dstport 4790 nolearning proxy l2miss l3miss ttl inherit tos inherit df set gbp srcport 40000 50000 ageing 77 MTU 1400'],
    ['df inherit, tos and ttl by number', { name: 'ours', vni: 1, dev: 'eth0', df: 'inherit', tos: '16', ttl: '255' }, 'id 1 dev eth0 dstport 4789 df inherit tos 0x10 ttl 255'],
    ['external', { name: 'ours', external: true }, 'external dstport 4789'],
    ['external with a filter', { name: 'ours', external: true, vniFilter: true, dev: 'eth0' }, 'external vnifilter dev eth0 dstport 4789'],
    ['port of a bridge', { name: 'ours', vni: 3, dev: 'eth0', bridge: 'br0' }, 'id 3 dev eth0 dstport 4789 MASTER br0'],
  ])('%s', (_title, words, native) => withUnderlay('vxt', async (left) => {
    left.run(['ip', 'link', 'add', 'br0', 'type', 'bridge']);
    await createTunnel(words, context(left));
    const [ours, ourEntries] = [device(left, 'ours'), entries(left, 'ours')];
    left.run(['ip', 'link', 'delete', 'ours']);
    const [, mtu] = /MTU (\d+)/.exec(native) ?? [];
    const [, master] = /MASTER (\w+)/.exec(native) ?? [];
    left.run(['ip', 'link', 'add', 'theirs', ...(mtu === undefined ? [] : ['mtu', mtu]), ...(master === undefined ? [] : ['master', master]), 'type', 'vxlan', ...native.replace(/ (MTU|MASTER) \w+/, '').split(' ')]);
    left.run(['ip', 'link', 'set', 'theirs', 'alias', 'sluice', 'up']);
    expect(ours).toEqual(device(left, 'theirs'));
    expect(ourEntries.map(({ mac: _mac, ...rest }) => rest)).toEqual(entries(left, 'theirs').map(({ mac: _mac, ...rest }) => rest));
  }));
});

test('several ends become flood entries, over IPv4 and IPv6', () => withUnderlay('vxf', async (left) => {
  await createTunnel({ name: 'v4', vni: 1, dev: 'eth0', remotes: ['10.0.0.2', '10.0.0.3', '10.0.0.4'], addresses: ['10.200.0.1/24', 'fd01::1/64'], mac: '02:00:00:00:00:01' }, context(left));
  await createTunnel({ name: 'v6', vni: 2, dev: 'eth0', remotes: ['fd00::2', 'fd00::3'] }, context(left));
  expect(entries(left, 'v4')).toEqual(['10.0.0.2', '10.0.0.3', '10.0.0.4'].map((dst) => ({ mac: '00:00:00:00:00:00', dst, flags: ['self'], state: 'permanent' })));
  expect(entries(left, 'v6').map(({ dst }) => dst)).toEqual(['fd00::2', 'fd00::3']);
  expect(json(left, ['ip', '-j', 'address', 'show', 'dev', 'v4'])[0]!['addr_info']).toEqual(expect.arrayContaining([expect.objectContaining({ local: '10.200.0.1', prefixlen: 24 }), expect.objectContaining({ local: 'fd01::1', prefixlen: 64 })]));
  expect((await listTunnels(context(left))).items).toEqual([
    expect.objectContaining({ name: 'v4', vni: 1, mtu: 1450, mac: '02:00:00:00:00:01', peers: 3, state: 'up', owner: 'sluice', underlay: 'eth0', issues: [], remotes: ['10.0.0.2', '10.0.0.3', '10.0.0.4'] }),
    expect.objectContaining({ name: 'v6', vni: 2, mtu: 1430, peers: 2 }),
  ]);
}));

test('two ends reach each other through it', () => withUnderlay('vxp', async (left, right) => {
  await createTunnel({ name: 'vx', vni: 9, local: '10.0.0.1', remotes: ['10.0.0.2'], addresses: ['10.200.0.1/24'] }, context(left));
  await createTunnel({ name: 'vx', vni: 9, local: '10.0.0.2', remotes: ['10.0.0.1'], addresses: ['10.200.0.2/24'] }, context(right));
  await expect.poll(() => arrives(left, right, '10.200.0.2', 1422), { timeout: 5000 }).toBe(true);
  const detail = await getTunnel('vx', context(left));
  expect(detail.fdb).toContainEqual(expect.objectContaining({ mac: (await getTunnel('vx', context(right))).mac, destination: '10.0.0.2', lifetime: 'dynamic', table: 'self' }));
}));

describe('a change', () => {
  test('is undone by its script, and a deletion brings everything back', () => withUnderlay('vxd', async (left) => {
    const created = await createTunnel({ name: 'vx', vni: 9, dev: 'eth0', local: '10.0.0.1', remotes: ['10.0.0.2', '10.0.0.3'], addresses: ['10.200.0.1/24', 'fd01::1/64'], learning: false, proxy: true, df: 'set', mac: '02:00:00:00:00:01' }, context(left));
    left.run(['bridge', 'fdb', 'add', '02:00:00:00:00:02', 'dev', 'vx', 'dst', '10.0.0.2', 'port', '4790', 'self', 'permanent']);
    left.run(['ip', 'neighbour', 'add', '10.200.0.2', 'lladdr', '02:00:00:00:00:02', 'dev', 'vx', 'nud', 'permanent']);
    left.run(['ip', 'route', 'add', '10.244.2.0/24', 'via', '10.200.0.2', 'dev', 'vx', 'onlink', 'metric', '7', 'proto', 'static']);
    left.run(['ip', '-6', 'route', 'add', 'fd02::/64', 'dev', 'vx', 'table', '300']);
    const before = everything(left);
    const deleted = await deleteTunnel('vx', context(left));
    expect(json(left, ['ip', '-j', 'link', 'show', 'type', 'vxlan'])).toEqual([]);
    await rollbackChange(deleted.change!.record.id, {});
    expect(everything(left)).toEqual(before);
    await rollbackChange(created.change!.record.id, {});
    expect(json(left, ['ip', '-j', 'link', 'show', 'type', 'vxlan'])).toEqual([]);
  }));

  test('says what a rollback does not bring back', () => withUnderlay('vxy', async (left) => {
    await createTunnel({ name: 'vx', vni: 9, dev: 'eth0', addresses: ['10.200.0.1/24'] }, context(left));
    for (const command of ['ip nexthop add id 7 via 10.200.0.2 dev vx', 'ip route add 10.244.0.0/16 nhid 7']) left.run(command.split(' '));
    expect((await deleteTunnel('vx', context(left, { dryRun: 'client' }))).notes).toEqual(['a rollback does not bring back 1 route through nexthop objects: ip nexthop show dev vx']);
  }));

  test('with a VNI filter takes in what is listed, as `bridge vni` shows it, also after a rollback', () => withUnderlay('vxv', async (left) => {
    const filter = (): unknown => JSON.parse(left.run(['bridge', '-j', 'vni', 'show', 'dev', 'vx']));
    await createTunnel({ name: 'vx', external: true, vniFilter: true, dev: 'eth0', vnis: ['10-20', '30,40-41'] }, context(left));
    expect(filter()).toEqual([{ ifname: 'vx', vnis: [{ vni: 10, vniEnd: 20 }, { vni: 30 }, { vni: 40, vniEnd: 41 }] }]);
    left.run(['bridge', 'vni', 'add', 'vni', '50', 'dev', 'vx', 'remote', '10.0.0.2']);
    const before = filter();
    expect((await getTunnel('vx', context(left))).vnis).toEqual([{ from: 10, to: 20 }, { from: 30, to: 30 }, { from: 40, to: 41 }, { from: 50, to: 50, group: '10.0.0.2' }]);
    const deleted = await deleteTunnel('vx', context(left));
    await rollbackChange(deleted.change!.record.id, {});
    expect(filter()).toEqual(before);
  }));

  test('that takes a port from a bridge gives it back with its switches', () => withUnderlay('vxg', async (left) => {
    left.run(['ip', 'link', 'add', 'br0', 'type', 'bridge']);
    await createTunnel({ name: 'vx', vni: 9, dev: 'eth0', bridge: 'br0' }, context(left));
    left.run('ip link set vx type bridge_slave learning off neigh_suppress on flood off isolated on mcast_flood off bcast_flood off hairpin on guard on'.split(' '));
    const before = device(left, 'vx');
    const deleted = await deleteTunnel('vx', context(left));
    await rollbackChange(deleted.change!.record.id, {});
    expect(device(left, 'vx')).toEqual(before);
    // The same by netlink.
    left.run(['ip', 'link', 'set', 'vx', 'nomaster']);
    left.run(['ip', 'link', 'set', 'vx', 'master', 'br0']);
    expect(device(left, 'vx')).not.toEqual(before);
    using netlink = openNetlink({ netns: left });
    netlink.request(changeBridgePort(getLink(netlink, 'vx').index, 'vx', { learning: false, neighbourSuppression: true, flood: false, isolated: true, multicastFlood: false, broadcastFlood: false, hairpin: true, guard: true }));
    expect(device(left, 'vx')).toEqual(before);
  }));

  test('with many entries is undone by few processes', () => withUnderlay('vxm', async (left) => {
    await createTunnel({ name: 'vx', vni: 9, dev: 'eth0', local: '10.0.0.1', remotes: Array.from({ length: 300 }, (_, n) => `10.1.${n >> 8}.${n & 255}`) }, context(left));
    const before = everything(left);
    const deleted = await deleteTunnel('vx', context(left));
    expect(deleted.change!.record.revertSteps.length).toBeLessThan(5);
    await rollbackChange(deleted.change!.record.id, {});
    expect(everything(left)).toEqual(before);
  }));

  test('that the kernel refuses on the node leaves nothing, and says why', () => withUnderlay('vxr', async (left) => {
    // Another device holds the port with other flags, which a namespace of its own does not show.
    left.run(['ip', 'link', 'add', 'other', 'type', 'vxlan', 'id', '1', 'dstport', '4789', 'gbp']);
    left.run(['ip', 'link', 'set', 'other', 'up']);
    await expect(createTunnel({ name: 'vx', vni: 9, dev: 'eth0', remotes: ['10.0.0.2', '10.0.0.3'] }, context(left))).rejects.toMatchObject({ code: 'SL4001', reason: 'reverted', message: expect.stringMatching(/reverted: RTM_NEWLINK vx: EADDRINUSE/) });
    expect(json(left, ['ip', '-j', 'link', 'show', 'type', 'vxlan']).map(({ ifname }) => ifname)).toEqual(['other']);
  }));
});

/** Everything about tunnels in a namespace that a person could tell the difference by. */
function everything(netns: Netns): unknown {
  const withoutIndex = (text: string): string => text.replace(/^\d+: /gm, '').replace(/promiscuity .*$/gm, '');
  return ['ip -d link show type vxlan', 'ip address show dev vx', 'bridge -d fdb show dev vx', 'ip neighbour show nud permanent', 'ip route show table all dev vx', 'ip -6 route show table all dev vx']
    .map((command) => withoutIndex(netns.run(command.split(' '))).split('\n').filter((line) => !/fe80|ff00|valid_lft/.test(line)).sort());
}

describe('a dry run', () => {
  test('of the client names the commands; of the kernel hears what the kernel says; neither changes anything', () => withUnderlay('vxn', async (left) => {
    const words: TunnelWords = { name: 'vx', vni: 9, local: '10.0.0.1', dev: 'eth0', remotes: ['10.0.0.2', '10.0.0.3'], bridge: 'br0' };
    left.run(['ip', 'link', 'add', 'br0', 'type', 'bridge']);
    const client = await createTunnel(words, context(left, { dryRun: 'client' }));
    expect(client).toMatchObject({ dryRun: 'client', commands: [
      'ip link add name vx master br0 type vxlan id 9 local 10.0.0.1 dev eth0 dstport 4789', 'ip link set dev vx alias sluice up',
      'bridge fdb append 00:00:00:00:00:00 dev vx dst 10.0.0.2 self permanent', 'bridge fdb append 00:00:00:00:00:00 dev vx dst 10.0.0.3 self permanent',
    ] });
    expect(await createTunnel(words, context(left, { dryRun: 'kernel' }))).toMatchObject({ dryRun: 'kernel' });
    expect(json(left, ['ip', '-j', 'link', 'show', 'type', 'vxlan'])).toEqual([]);
    for (const command of client.commands) left.run(command.split(' '));
    expect((await listTunnels(context(left))).items).toMatchObject([{ name: 'vx', master: 'br0', peers: 2, owner: 'sluice' }]);
    await expect(createTunnel({ ...words, name: 'other' }, context(left, { dryRun: 'kernel' }))).rejects.toMatchObject({ code: 'SL6002', message: 'VNI 9 on UDP port 4789 is already that of vx' });
  }));

  test('finds out what the kernel does not take', () => withUnderlay('vxq', async (left) => {
    await expect(createTunnel({ name: 'vx', vni: 9, local: '10.0.0.1', mtu: '1000', addresses: ['fd01::1/64'] }, context(left, { dryRun: 'kernel' }))).rejects.toMatchObject({ code: 'SL2700', message: 'RTM_NEWADDR fd01::1/64 dev vx: EINVAL' });
  }));
});

test('what belongs to a network plugin is refused, unless forced and answered', () => withUnderlay('vxo', async (left) => {
  for (const [vni, name] of ['flannel.1', 'vxlan.calico', 'cilium_vxlan'].entries()) left.run(['ip', 'link', 'add', name, 'type', 'vxlan', 'id', String(vni + 1), 'dstport', '8472']);
  expect((await listTunnels(context(left))).items.map(({ name, owner }) => [name, owner])).toEqual([['cilium_vxlan', 'cilium'], ['flannel.1', 'flannel'], ['vxlan.calico', 'calico']]);
  await expect(deleteTunnel('flannel.1', context(left))).rejects.toMatchObject({ code: 'SL6005' });
  const asked: string[] = [];
  await deleteTunnel('flannel.1', context(left, { force: true, ask: async (question) => void asked.push(question) }));
  expect(asked).toEqual(['flannel.1 belongs to flannel. Delete it?']);
  expect((await createTunnel({ name: 'vx', vni: 1, dev: 'eth0' }, context(left, { dryRun: 'client' }))).notes[0]).toContain('cilium_vxlan, vxlan.calico use port 8472, the default of Linux; vx uses 4789');
}));

describe('bad input', () => {
  test.each<[string, TunnelWords, object]>([
    ['an unknown underlay', { name: 'vx', vni: 1, dev: 'eth1' }, { code: 'SL6003', reason: 'not-found', causes: ['similar names: eth0'] }],
    ['an unknown bridge', { name: 'vx', vni: 1, dev: 'eth0', bridge: 'br7' }, { code: 'SL6003' }],
    ['a bridge that is none', { name: 'vx', vni: 1, dev: 'eth0', bridge: 'lo' }, { code: 'SL6000' }],
    ['a name that is taken', { name: 'eth0', vni: 1, local: '10.0.0.1' }, { code: 'SL6001', message: 'there is already an interface eth0 (veth)' }],
    ['an MTU over that of the underlay', { name: 'vx', vni: 1, dev: 'eth0', mtu: '1451' }, { code: 'SL6004', causes: ['eth0 has 1500, VXLAN takes 50: 1450 are left'] }],
    ['an address in use', { name: 'vx', vni: 1, dev: 'eth0', addresses: ['10.0.0.1/24'] }, { code: 'SL6006', message: '10.0.0.1/24 is in use: eth0 has it' }],
    ['a local address that is nowhere', { name: 'vx', vni: 1, local: '10.0.0.9' }, { code: 'SL6011' }],
    ['itself as the other end', { name: 'vx', vni: 1, dev: 'eth0', remotes: ['10.0.0.1'] }, { code: 'SL6012' }],
  ])('%s', (_title, words, expected) => withUnderlay('vxb', async (left) => {
    await expect(createTunnel(words, context(left))).rejects.toMatchObject(expected);
    expect(json(left, ['ip', '-j', 'link', 'show', 'type', 'vxlan'])).toEqual([]);
  }));

  test('a namespace that is gone', async () => {
    await expect(listTunnels({ netns: { path: '/run/netns/gone', label: 'gone' } })).rejects.toMatchObject({ message: expect.stringContaining('/run/netns/gone: ENOENT') });
  });
});

test('what is written to the disk of a change is for people too', () => withUnderlay('vxw', async (left) => {
  const { change } = await createTunnel({ name: 'vx', vni: 9, dev: 'eth0', remotes: ['10.0.0.2', '10.0.0.3'] }, context(left));
  expect(readFileSync(`${change!.directory}/after.txt`, 'utf8').split('\n')[0]).toBe('ip link add name vx type vxlan id 9 dev eth0 dstport 4789');
  expect(readFileSync(change!.revertScript, 'utf8')).toMatch(/attempt may 'ip link delete dev vx' \/dev\/null \\\n {2}\/(usr\/)?s?bin\/ip link delete dev vx/);
}));

/** Whether a UDP packet of so many bytes gets from one namespace to an address in the other. */
async function arrives(from: Netns, to: Netns, address: string, bytes: number): Promise<boolean> {
  const open = (): Fd => openSocket(uapi.AF_INET, uapi.SOCK_DGRAM, 0);
  using receiver = inNetns(to.path, open);
  using sender = inNetns(from.path, open);
  const target = Buffer.from([uapi.AF_INET, 0, 4321 >> 8, 4321 & 255, ...address.split('.').map(Number), 0, 0, 0, 0, 0, 0, 0, 0]);
  bindSocket(receiver, target);
  sendTo(sender, Buffer.alloc(bytes, 'x'), target);
  await sleep(50);
  return receive(receiver, 2000)?.length === bytes;
}
