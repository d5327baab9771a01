import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { stringify } from 'yaml';
import { rollbackChange } from '../../../src/domain/changes/index.ts';
import { addEntry, type ChangeContext, createTunnel, deleteEntry, FLOOD_MAC, type FdbEntry, type FdbWords, listEntries, listTunnels, type OverlayOutcome, syncEntries } from '../../../src/domain/vxlan/index.ts';
import { deleteNexthop, listNexthops, openNetlink, replaceNexthop } from '../../../src/kernel/netlink/index.ts';
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

const MAC = '02:00:00:00:00:02';
const context = ({ path, name }: Netns): ChangeContext => ({ netns: { path, label: name }, argv: ['sluice', 'test'], session: { stdinIsTerminal: false } });
type Json = Record<string, unknown>;

/** Entries as `bridge` shows them, in our words. */
function native(netns: Netns, device: string): Json[] {
  const entries = JSON.parse(netns.run(['bridge', '-d', '-j', 'fdb', 'show', 'dev', device]) || '[]') as Json[];
  return entries.map((entry) => JSON.parse(JSON.stringify({
    device, mac: entry['mac'], vlan: entry['vlan'], destination: entry['dst'], port: entry['port'], vni: entry['vni'], sourceVni: entry['src_vni'], via: entry['viaIf'] ?? entry['via'],
    nexthopId: entry['nhid'], master: entry['master'], table: (entry['flags'] as string[]).includes('self') ? 'self' : 'master', lifetime: entry['state'] === '' ? 'dynamic' : entry['state'],
    externallyLearned: (entry['flags'] as string[]).includes('extern_learn'), sticky: (entry['flags'] as string[]).includes('sticky'),
  })) as Json);
}

async function ours(netns: Netns, device: string): Promise<Json[]> {
  const { items } = await listEntries({ device, ...context(netns) });
  return items.map(({ usedSeconds: _used, updatedSeconds: _updated, offloaded: _offloaded, nexthops: _nexthops, ...entry }) => JSON.parse(JSON.stringify(entry)) as Json);
}

/** A tunnel `vx`, also port of a bridge, and whatever `use` does to it. */
const withTunnel = <T>(label: string, use: (netns: Netns) => Promise<T>): Promise<T> => withUnderlay(label, async (left) => {
  left.run(['ip', 'link', 'add', 'br0', 'type', 'bridge']);
  await createTunnel({ name: 'vx', vni: 9, dev: 'eth0', local: '10.0.0.1', bridge: 'br0' }, context(left));
  return await use(left);
});

describe('an entry is the one that `bridge fdb` writes', () => {
  test.each<[string, Omit<FdbWords, 'device' | 'mac'>, string]>([
    ['with a destination', { destination: '10.0.0.2' }, 'dst 10.0.0.2 self permanent'],
    ['with port, VNI and interface', { destination: '10.0.0.2', port: 4790, vni: 77, via: 'eth0' }, 'dst 10.0.0.2 port 4790 vni 77 via eth0 self permanent'],
    ['that is static', { destination: '10.0.0.2', lifetime: 'static' }, 'dst 10.0.0.2 self static'],
    ['that ages', { destination: '10.0.0.2', lifetime: 'dynamic' }, 'dst 10.0.0.2 self dynamic'],
    ['through a nexthop group', { nexthopId: 100 }, 'nhid 100 self permanent'],
    ['of the bridge', { master: true, lifetime: 'static' }, 'master static'],
    ['of the bridge, sticky', { master: true, lifetime: 'static', sticky: true }, 'master static sticky'],
  ])('%s', (_title, words, bridge) => withTunnel('fda', async (left) => {
    makeNexthops(left);
    const before = native(left, 'vx');
    const outcome = await addEntry({ device: 'vx', mac: MAC, ...words }, 'create', context(left));
    const written = native(left, 'vx');
    expect(written).toHaveLength(before.length + 1);
    expect(await ours(left, 'vx')).toEqual(written);
    await rollbackChange(outcome.change!.record.id, {});
    expect(native(left, 'vx')).toEqual(before);
    left.run(['bridge', 'fdb', 'add', MAC, 'dev', 'vx', ...bridge.split(' ')]);
    expect(sorted(native(left, 'vx'))).toEqual(sorted(written));
    // What is shown as the same in commands is the same.
    left.run(['bridge', 'fdb', 'delete', MAC, 'dev', 'vx', bridge.includes('master') ? 'master' : 'self']);
    for (const command of outcome.commands) left.run(command.split(' '));
    expect(sorted(native(left, 'vx'))).toEqual(sorted(written));
  }));

  test('with a source VNI, on a device that takes VNIs from packets', () => withUnderlay('fdx', async (left) => {
    await createTunnel({ name: 'vx', external: true, dev: 'eth0' }, context(left));
    await addEntry({ device: 'vx', mac: MAC, destination: '10.0.0.2', sourceVni: 5, vni: 6 }, 'create', context(left));
    await addEntry({ device: 'vx', mac: MAC, destination: '10.0.0.3', sourceVni: 7 }, 'create', context(left));
    expect(await ours(left, 'vx')).toEqual(native(left, 'vx'));
    expect(native(left, 'vx')).toEqual(expect.arrayContaining([expect.objectContaining({ sourceVni: 5, vni: 6, destination: '10.0.0.2' }), expect.objectContaining({ sourceVni: 7, destination: '10.0.0.3' })]));
  }));
});

/** A group 100 of two ends, as `ip nexthop add … fdb` makes it. */
function makeNexthops(netns: Netns): void {
  using netlink = openNetlink({ netns });
  netlink.runAll([replaceNexthop({ id: 1, gateway: '10.0.0.2', fdb: true }), replaceNexthop({ id: 2, gateway: '10.0.0.3', fdb: true }), replaceNexthop({ id: 100, group: [{ id: 1 }, { id: 2, weight: 3 }], fdb: true })]);
}

test('nexthop groups are written as `ip nexthop` writes them, and an entry says where its group leads', () => withTunnel('fdn', async (left) => {
  makeNexthops(left);
  const shown = (): unknown => JSON.parse(left.run(['ip', '-j', 'nexthop', 'show']));
  const written = shown();
  using netlink = openNetlink({ netns: left });
  expect(listNexthops(netlink).items).toEqual([
    expect.objectContaining({ id: 1, gateway: '10.0.0.2', fdb: true, group: undefined }), expect.objectContaining({ id: 2, gateway: '10.0.0.3', fdb: true }),
    expect.objectContaining({ id: 100, group: [{ id: 1, weight: 1 }, { id: 2, weight: 3 }], fdb: true }),
  ]);
  await addEntry({ device: 'vx', mac: MAC, nexthopId: 100 }, 'create', context(left));
  expect((await listEntries({ device: 'vx', mac: MAC, ...context(left) })).items).toMatchObject([{ nexthopId: 100, nexthops: ['10.0.0.2', '10.0.0.3'] }]);
  expect((await listTunnels(context(left))).items).toMatchObject([{ name: 'vx', peers: 2 }]);
  netlink.runAll([deleteNexthop(100), deleteNexthop(1), deleteNexthop(2)]);
  expect(shown()).toEqual([]);
  for (const command of ['ip nexthop add id 1 via 10.0.0.2 fdb proto static', 'ip nexthop add id 2 via 10.0.0.3 fdb proto static', 'ip nexthop add id 100 group 1/2,3 fdb proto static']) left.run(command.split(' '));
  expect(shown()).toEqual(written);
}));

const sorted = (entries: readonly Json[]): Json[] => entries.toSorted((a, b) => (JSON.stringify(a) < JSON.stringify(b) ? -1 : 1));
const endsOf = (netns: Netns, mac: string): unknown[] => native(netns, 'vx').filter((entry) => entry['mac'] === mac && entry['table'] === 'self').map(({ destination }) => destination);

test('a second entry is refused, appended, or takes the place of the first', () => withTunnel('fdm', async (left) => {
  const add = (destination: string, mode: 'create' | 'append' | 'replace', mac = MAC): Promise<OverlayOutcome> => addEntry({ device: 'vx', mac, destination }, mode, context(left));
  await add('10.0.0.2', 'create');
  await expect(add('10.0.0.3', 'create')).rejects.toMatchObject({ code: 'SL6021', message: `vx has an entry for ${MAC} already: 10.0.0.2` });
  expect(await add('10.0.0.2', 'create')).toMatchObject({ commands: [] });
  const replaced = await add('10.0.0.3', 'replace');
  expect(endsOf(left, MAC)).toEqual(['10.0.0.3']);
  await rollbackChange(replaced.change!.record.id, {});
  expect(endsOf(left, MAC)).toEqual(['10.0.0.2']);
  for (const end of ['10.0.0.4', '10.0.0.5']) await add(end, 'create', FLOOD_MAC);
  expect(endsOf(left, FLOOD_MAC)).toEqual(['10.0.0.4', '10.0.0.5']);
  await deleteEntry({ device: 'vx', mac: FLOOD_MAC, destination: '10.0.0.4' }, context(left));
  expect(endsOf(left, FLOOD_MAC)).toEqual(['10.0.0.5']);
  await expect(deleteEntry({ device: 'vx', mac: FLOOD_MAC, destination: '10.0.0.9' }, context(left))).rejects.toMatchObject({ code: 'SL6022', causes: ['the entry leads to 10.0.0.5'] });
  const removed = await deleteEntry({ device: 'vx', mac: FLOOD_MAC }, context(left));
  await rollbackChange(removed.change!.record.id, {});
  expect(endsOf(left, FLOOD_MAC)).toEqual(['10.0.0.5']);
}));

describe('sync', () => {
  const file = (value: unknown): string => {
    const path = join(state.root, 'entries.yaml');
    writeFileSync(path, typeof value === 'string' ? value : stringify(value));
    return path;
  };

  test('writes what is missing, removes what is not listed, and leaves learned entries alone', () => withTunnel('fds', async (left) => {
    for (const words of [`${MAC} dst 10.0.0.2 self permanent`, '02:00:00:00:00:03 dst 10.0.0.3 self static', '02:00:00:00:00:04 dst 10.0.0.4 self dynamic', '02:00:00:00:00:05 dst 10.0.0.5 self permanent extern_learn'])
      left.run(['bridge', 'fdb', 'add', ...words.replace(/ /, ' dev vx ').split(' ')]);
    const before = sorted(native(left, 'vx'));
    const list = file([{ mac: MAC, dst: '10.0.0.2' }, { mac: FLOOD_MAC, dst: '10.0.0.6' }, { mac: FLOOD_MAC, dst: '10.0.0.7', port: 4790 }]);
    const outcome = await syncEntries('vx', list, context(left));
    expect(outcome.summary).toBe('synchronise FDB of vx: 2 written, 1 removed');
    expect(native(left, 'vx').filter(({ table }) => table === 'self').map(({ mac, destination }) => `${mac} ${destination}`).sort()).toEqual([
      '00:00:00:00:00:00 10.0.0.6', '00:00:00:00:00:00 10.0.0.7', `${MAC} 10.0.0.2`, '02:00:00:00:00:04 10.0.0.4', '02:00:00:00:00:05 10.0.0.5',
    ]);
    expect(await syncEntries('vx', list, context(left))).toMatchObject({ commands: [], summary: 'synchronise FDB of vx: 0 written, 0 removed' });
    await rollbackChange(outcome.change!.record.id, {});
    expect(sorted(native(left, 'vx'))).toEqual(before);
  }));

  test('takes back what `fdb list` prints', () => withTunnel('fdr', async (left) => {
    for (const n of [2, 3]) await addEntry({ device: 'vx', mac: FLOOD_MAC, destination: `10.0.0.${n}` }, 'append', context(left));
    await addEntry({ device: 'vx', mac: MAC, destination: '10.0.0.2', port: 4790, vni: 7 }, 'create', context(left));
    const before = await ours(left, 'vx');
    const list = file({ kind: 'FdbEntryList', items: before });
    await deleteEntry({ device: 'vx', mac: FLOOD_MAC }, context(left));
    await deleteEntry({ device: 'vx', mac: MAC }, context(left));
    await syncEntries('vx', list, context(left));
    expect(sorted(await ours(left, 'vx'))).toEqual(sorted(before));
  }));

  test.each<[string, string, object]>([
    ['no YAML', '- mac: [', { code: 'SL1100' }],
    ['no list', 'mac: x', { code: 'SL6020', message: expect.stringContaining('holds no list of entries') }],
    ['no MAC address', '- mac: 02:00\n  dst: 10.0.0.1', { code: 'SL6020', message: expect.stringContaining('entry 1: 02:00 is no MAC address') }],
    ['no IP address', `- mac: ${MAC}\n  dst: 10.0.0.300`, { code: 'SL6020', message: expect.stringContaining('10.0.0.300 is no IP address') }],
    ['a port out of range', `- mac: ${MAC}\n  dst: 10.0.0.2\n  port: 65536`, { code: 'SL6020' }],
    ['an entry that leads nowhere', `- mac: ${MAC}`, { code: 'SL6020', message: `the entry for ${MAC} of vx leads nowhere` }],
    ['an end of the other family', `- mac: ${MAC}\n  dst: fd00::2`, { code: 'SL6020', message: 'fd00::2 is IPv6, and vx runs over IPv4' }],
    ['an interface that is not there', `- mac: ${MAC}\n  dst: 10.0.0.2\n  via: eth9`, { code: 'SL6003' }],
    ['an unknown member', `- mac: ${MAC}\n  dest: 10.0.0.2`, { code: 'SL6020', message: expect.stringContaining("'dest'") }],
  ])('refuses %s', (_title, text, expected) => withTunnel('fdi', async (left) => {
    await expect(syncEntries('vx', file(text), context(left))).rejects.toMatchObject(expected);
  }));
});

test('entries of a bridge are those of all its ports', () => withTunnel('fdb', async (left) => {
  left.run(['bridge', 'fdb', 'add', MAC, 'dev', 'vx', 'master', 'static']);
  left.run(['bridge', 'fdb', 'add', MAC, 'dev', 'vx', 'dst', '10.0.0.2', 'self', 'permanent']);
  const { items } = await listEntries({ device: 'br0', ...context(left) });
  const shown = JSON.parse(left.run(['bridge', '-j', 'fdb', 'show', 'br', 'br0'])) as Json[];
  const key = (mac: unknown, device: unknown, vlan: unknown): string => [mac, device, vlan].map(String).join(' ');
  expect(items.map(({ mac, device, vlan }) => key(mac, device, vlan))).toEqual(shown.map((entry) => key(entry['mac'], entry['ifname'], entry['vlan'])));
  expect(items).toContainEqual(expect.objectContaining<Partial<FdbEntry>>({ mac: MAC, master: 'br0', table: 'master', lifetime: 'static' }));
}));
