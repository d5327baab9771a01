import { spawnSync } from 'node:child_process';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { listChanges, rollbackChange } from '../../../src/domain/changes/index.ts';
import { measurePath } from '../../../src/domain/mtu/index.ts';
import { inNetns } from '../../../src/kernel/netns/index.ts';
import { bindSocket, openSocket } from '../../../src/kernel/syscalls/index.ts';
import { socket } from '../../../src/kernel/uapi/index.ts';
import { applyMesh, diffMesh, type MeshOutcome, type MeshRequest } from '../../../src/domain/vxlan/index.ts';
import { useChangeDirectories } from '../../support/changes.ts';
import { ip, twoHosts, type Hosts } from '../../support/hosts.ts';
import type { MeshAgentSettings } from '../../support/mesh-agent.ts';
import { requireRoot, requireTool } from '../../support/require.ts';
import type { Netns } from '../../support/sluice.ts';

requireRoot();
requireTool('bridge');

let hosts: Hosts;
let h1: Netns;
let directories: ReturnType<typeof useChangeDirectories>;
let file: string;

beforeAll(() => {
  directories = useChangeDirectories();
  file = join(directories.root, 'mesh.yaml');
  hosts = twoHosts('mesh');
  h1 = hosts.host[0];
});

afterAll(() => {
  hosts.close();
  directories.close();
});

beforeEach(() => {
  for (const host of hosts.host) for (const device of devices(host)) ip(host, `link del ${device}`);
});

const json = <T>(netns: Netns, ...argv: string[]): T[] => JSON.parse(netns.run(argv) || '[]') as T[];
const devices = (netns: Netns): string[] => json<{ ifname: string }>(netns, 'ip', '-j', 'link', 'show', 'type', 'vxlan').map(({ ifname }) => ifname);

interface Options {
  nodes?: { name: string; underlay: string; podCIDR?: string; podCIDRs?: string[]; mac?: string; gateway?: string }[];
  spec?: Record<string, unknown>;
}

const NODES = [
  { name: 'node1', underlay: '172.30.0.1', podCIDR: '10.244.1.0/24', mac: '02:00:00:00:00:01' }, { name: 'node2', underlay: '172.30.0.2', podCIDR: '10.244.2.0/24', mac: '02:00:00:00:00:02' },
  { name: 'node3', underlay: '172.30.0.3', podCIDR: '10.244.3.0/24', mac: '02:00:00:00:00:03' },
];

const mesh = ({ nodes = NODES, spec = {} }: Options = {}): string =>
  JSON.stringify({ apiVersion: 'sluice.dev/v1', kind: 'VxlanMesh', metadata: { name: 'pods' }, spec: { vni: 42, device: 'vxlan0', nodes, ...spec } });

const tunnel = (name: string, spec: Record<string, unknown>): string => JSON.stringify({ apiVersion: 'sluice.dev/v1', kind: 'VxlanTunnel', metadata: { name }, spec });

const request = (more: Partial<MeshRequest> = {}): MeshRequest => ({ file, podCidrs: [], prune: false, ...more });

async function apply(text: string, { netns = h1, force = false, ...more }: Partial<MeshRequest> & { netns?: Netns; force?: boolean; dryRun?: 'client' | 'kernel' } = {}): Promise<MeshOutcome> {
  writeFileSync(file, text);
  const { dryRun, ...rest } = more;
  return await applyMesh(request(rest), { netns: { path: netns.path, label: netns.name }, argv: ['test'], force, dryRun, session: { stdinIsTerminal: false } }, () => undefined);
}

const differences = async (more: Partial<MeshRequest> = {}): Promise<string[]> =>
  (await diffMesh(request(more), { netns: { path: h1.path, label: h1.name } })).rows.map(({ action, object, key }) => `${action} ${object} ${key}`);

/** Everything on a host that a mesh could touch, as the native tools see it. */
function snapshot(netns: Netns): unknown {
  const links = json<Record<string, unknown>>(netns, 'ip', '-j', '-d', 'link', 'show', 'type', 'vxlan').map(({ ifindex: _ifindex, stats64: _stats, ...link }) => link);
  return [links, entries(netns)];
}

const entries = (netns: Netns, device = 'vxlan0'): unknown => devices(netns).includes(device) ? {
  addresses: json<{ addr_info: { local: string; prefixlen: number; scope: string }[] }>(netns, 'ip', '-j', 'addr', 'show', 'dev', device).flatMap(({ addr_info: all }) => all.filter(({ scope }) => scope === 'global').map(({ local, prefixlen }) => `${local}/${prefixlen}`)),
  fdb: json<{ mac: string; dst?: string; flags: string[]; state: string }>(netns, 'bridge', '-j', 'fdb', 'show', 'dev', device).filter(({ state }) => state === 'permanent').map(({ mac, dst, flags }) => `${mac} ${dst} ${flags.join()}`).sort(),
  neighbours: json<{ dst: string; lladdr?: string; state: string[] }>(netns, 'ip', '-j', 'neigh', 'show', 'dev', device).filter(({ state }) => state.includes('PERMANENT')).map(({ dst, lladdr }) => `${dst} ${lladdr}`).sort(),
  routes: ['-4', '-6'].flatMap((family) => json<{ dst: string; gateway?: string; protocol: string; flags: string[] }>(netns, 'ip', '-j', family, 'route', 'show', 'dev', device).filter(({ gateway }) => gateway !== undefined)
    .map(({ dst, gateway, protocol, flags }) => `${dst} ${gateway} ${protocol} ${flags.join()}`)).sort(),
} : 'no device';

describe('a routed mesh', () => {
  it('gives a node its device and an entry, a neighbour and a route for every other', async () => {
    const { rows, change } = await apply(mesh());
    expect(rows.map(({ action, object }) => `${action} ${object}`)).toEqual(['create link', 'create address', 'create fdb', 'create fdb', 'create neighbour', 'create neighbour', 'create route', 'create route']);
    expect(change?.state).toBe('confirmed');
    expect(json(h1, 'ip', '-j', '-d', 'link', 'show', 'dev', 'vxlan0')[0]).toMatchObject({
      ifalias: 'sluice VxlanMesh/pods', mtu: 1450, address: '02:00:00:00:00:01', flags: expect.arrayContaining(['UP']) as unknown, linkinfo: { info_kind: 'vxlan', info_data: { id: 42, local: '172.30.0.1', port: 4789, learning: false } },
    });
    expect(entries(h1)).toEqual({
      addresses: ['10.244.1.0/32'], fdb: ['02:00:00:00:00:02 172.30.0.2 self', '02:00:00:00:00:03 172.30.0.3 self'], neighbours: ['10.244.2.0 02:00:00:00:00:02', '10.244.3.0 02:00:00:00:00:03'],
      routes: ['10.244.2.0/24 10.244.2.0 115 onlink', '10.244.3.0/24 10.244.3.0 115 onlink'],
    });
  });

  it('carries packets from pod to pod, 50 bytes smaller than the underlay', async () => {
    for (const netns of hosts.host) await apply(mesh(), { netns });
    expect(await measurePath({ to: '10.244.2.5', netns: hosts.pod[0].path, linkMtu: 1500 })).toMatchObject({ mtu: 1450 });
  });

  it('changes nothing when it is applied again', async () => {
    await apply(mesh());
    const before = snapshot(h1);
    const again = await apply(mesh());
    expect([again.rows, again.change]).toEqual([[], undefined]);
    expect(await differences()).toEqual([]);
    expect(snapshot(h1)).toEqual(before);
  });

  it('follows the file: what left it goes, what moved moves, and only that', async () => {
    await apply(mesh());
    h1.run(['bridge', 'fdb', 'add', '02:00:00:00:00:99', 'dev', 'vxlan0', 'dst', '172.30.0.9', 'dynamic']);
    ip(h1, 'neigh add 10.9.9.9 lladdr 02:00:00:00:00:99 dev vxlan0 nud reachable', 'route add 192.0.2.0/24 via 10.244.2.0 dev vxlan0 onlink proto static');
    const moved = [NODES[0]!, { ...NODES[1]!, underlay: '172.30.0.22' }, { ...NODES[2]!, name: 'node4', podCIDR: '10.244.4.0/24', mac: '02:00:00:00:00:04' }];
    const { rows } = await apply(mesh({ nodes: moved }));
    expect(rows.map(({ action, object, key }) => `${action} ${object} ${key}`)).toEqual([
      'create fdb 02:00:00:00:00:04', 'change fdb 02:00:00:00:00:02', 'delete fdb 02:00:00:00:00:03', 'create neighbour 10.244.4.0', 'delete neighbour 10.244.3.0', 'create route 10.244.4.0/24', 'delete route 10.244.3.0/24',
    ]);
    expect(entries(h1)).toMatchObject({
      fdb: ['02:00:00:00:00:02 172.30.0.22 self', '02:00:00:00:00:04 172.30.0.3 self'], neighbours: ['10.244.2.0 02:00:00:00:00:02', '10.244.4.0 02:00:00:00:00:04'],
      routes: ['10.244.2.0/24 10.244.2.0 115 onlink', '10.244.4.0/24 10.244.4.0 115 onlink', '192.0.2.0/24 10.244.2.0 static onlink'],
    });
    expect(h1.run(['bridge', 'fdb', 'show', 'dev', 'vxlan0'])).toContain('02:00:00:00:00:99 dst 172.30.0.9');
    expect(h1.run(['ip', 'neigh', 'show', 'dev', 'vxlan0'])).toContain('10.9.9.9');
  });

  it('puts right what somebody changed by hand', async () => {
    await apply(mesh());
    const good = snapshot(h1);
    h1.run(['bridge', 'fdb', 'del', '02:00:00:00:00:02', 'dev', 'vxlan0']);
    h1.run(['bridge', 'fdb', 'append', '00:00:00:00:00:00', 'dev', 'vxlan0', 'dst', '172.30.0.66']);
    ip(h1, 'route del 10.244.3.0/24', 'link set vxlan0 mtu 1400', 'addr add 10.66.0.1/24 dev vxlan0', 'link set vxlan0 address 02:00:00:00:00:66');
    // A new MAC address has flushed the neighbours.
    ip(h1, 'neigh replace 10.244.2.0 lladdr 02:00:00:00:00:77 dev vxlan0 nud permanent');
    expect(await differences()).toEqual([
      'change link mtu', 'change link mac', 'delete address 10.66.0.1/24', 'create fdb 02:00:00:00:00:02', 'delete fdb 00:00:00:00:00:00 172.30.0.66', 'create neighbour 10.244.3.0', 'change neighbour 10.244.2.0', 'create route 10.244.3.0/24',
    ]);
    await apply(mesh());
    expect(snapshot(h1)).toEqual(good);
  });

  it('makes the device anew for what cannot be changed, and rolls back to the old one with all its entries', async () => {
    await apply(mesh());
    const before = snapshot(h1);
    const { rows, change } = await apply(mesh({ spec: { vni: 43, port: 8472 } }));
    expect(rows.map(({ key, before: old, after }) => [key, old, after])).toEqual([['vni', '42', '43'], ['port', '4789', '8472']]);
    expect(json(h1, 'ip', '-j', '-d', 'link', 'show', 'dev', 'vxlan0')[0]).toMatchObject({ linkinfo: { info_data: { id: 43, port: 8472 } } });
    expect((await rollbackChange(change!.record.id)).state).toBe('rolled-back');
    expect(snapshot(h1)).toEqual(before);
  });

  it('rolls changed entries back to what they were', async () => {
    await apply(mesh());
    const before = snapshot(h1);
    const nodes = [{ ...NODES[0]!, mac: '02:00:00:00:00:0a' }, NODES[1]!, { ...NODES[2]!, mac: '02:00:00:00:00:0c', podCIDR: '10.244.33.0/24' }];
    const { change } = await apply(mesh({ nodes, spec: { mtu: 1300 } }));
    expect(await differences()).toEqual([]);
    await rollbackChange(change!.record.id);
    expect(snapshot(h1)).toEqual(before);
  });

  it('takes the device along when the document gives it another name', async () => {
    await apply(mesh());
    const { rows } = await apply(mesh({ spec: { device: 'vx.pods', vni: 43 } }));
    expect(rows.filter(({ object }) => object === 'link').map(({ action, device }) => `${action} ${device}`)).toEqual(['create vx.pods', 'delete vxlan0']);
    expect(devices(h1)).toEqual(['vx.pods']);
  });

  it('of 1,000 nodes has 999 of everything', async () => {
    const nodes = Array.from({ length: 1000 }, (_, i) => ({ name: `node${i}`, underlay: i === 0 ? '172.30.0.1' : `10.0.${i >> 8}.${i & 255}`, podCIDR: `10.${100 + (i >> 8)}.${i & 255}.0/24` }));
    await apply(mesh({ nodes }));
    const { fdb, neighbours, routes } = entries(h1) as Record<string, string[]>;
    expect([fdb!.length, neighbours!.length, routes!.length]).toEqual([999, 999, 999]);
    expect(await differences()).toEqual([]);
  });
});

describe('other meshes', () => {
  it('flood where the document says so, and reach pods by learning', async () => {
    for (const netns of hosts.host) await apply(mesh({ spec: { mode: 'flood' } }), { netns });
    expect(json(h1, 'ip', '-j', '-d', 'link', 'show', 'dev', 'vxlan0')[0]).toMatchObject({ linkinfo: { info_data: { learning: true } } });
    expect(entries(h1)).toMatchObject({ fdb: ['00:00:00:00:00:00 172.30.0.2 self', '00:00:00:00:00:00 172.30.0.3 self'], neighbours: [], routes: ['10.244.2.0/24 10.244.2.0 115 onlink', '10.244.3.0/24 10.244.3.0 115 onlink'] });
    expect(await measurePath({ to: '10.244.2.5', netns: hosts.pod[0].path, linkMtu: 1500 })).toMatchObject({ mtu: 1450 });
    expect(h1.run(['bridge', 'fdb', 'show', 'dev', 'vxlan0'])).toMatch(/02:00:00:00:00:02 dst 172.30.0.2/);
    // What was learned is no difference.
    expect((await apply(mesh({ spec: { mode: 'flood' } }))).rows).toEqual([]);
  });

  it('stand on IPv6 and carry both families', async () => {
    const nodes = [1, 2].map((i) => ({ name: `node${i}`, underlay: `fd00:30::${i}`, podCIDRs: [`10.244.${i}.0/24`, `fd00:244:${i}::/64`] }));
    for (const netns of hosts.host) await apply(mesh({ nodes }), { netns });
    expect(json(h1, 'ip', '-j', '-d', 'link', 'show', 'dev', 'vxlan0')[0]).toMatchObject({ mtu: 1430, linkinfo: { info_data: { local6: 'fd00:30::1' } } });
    expect(entries(h1)).toMatchObject({ addresses: ['10.244.1.0/32', 'fd00:244:1::/128'], routes: ['10.244.2.0/24 10.244.2.0 115 onlink', 'fd00:244:2::/64 fd00:244:2:: 115 onlink'] });
    expect((await apply(mesh({ nodes }))).rows).toEqual([]);
    expect(await measurePath({ to: '10.244.2.5', netns: hosts.pod[0].path, linkMtu: 1500 })).toMatchObject({ mtu: 1430 });
    expect(await measurePath({ to: 'fd00:244:2::', netns: h1.path, linkMtu: 1430 })).toMatchObject({ mtu: 1430 });
  });

  it('come from routes that a BGP speaker has written', async () => {
    ip(h1, 'route add 10.244.2.0/24 via 172.30.0.2 proto bird metric 32', 'route add 10.244.7.0/24 via 172.30.0.7 proto zebra metric 20', 'route add blackhole 10.244.1.0/24 proto bird metric 32', 'route add 10.99.0.0/24 via 172.30.0.9 proto static');
    try {
      const { documents } = await apply(mesh({ nodes: [], spec: { podCIDR: '10.244.0.0/16' } }), { from: 'bgp', nodeName: 'me' });
      expect(documents).toEqual(['VxlanMesh/pods: me of 3 nodes']);
      expect(entries(h1)).toMatchObject({ addresses: ['10.244.1.0/32'], routes: ['10.244.2.0/24 10.244.2.0 115 onlink', '10.244.7.0/24 10.244.7.0 115 onlink'] });
      expect(await differences({ from: 'bgp', nodeName: 'me' })).toEqual([]);
    } finally {
      ip(h1, 'route del 10.244.2.0/24 proto bird metric 32', 'route del 10.244.7.0/24 proto zebra metric 20', 'route del blackhole 10.244.1.0/24', 'route del 10.99.0.0/24');
    }
  });
});

describe('a tunnel', () => {
  const FULL = {
    vni: 7, local: '172.30.0.1', underlayDevice: 'eth0', port: 4790, mtu: 1400, mac: '02:00:00:00:00:0a', addresses: ['10.9.0.1/24', 'fd00:9::1/64'], remotes: ['172.30.0.2', '172.30.0.3'],
    learning: false, proxy: true, l2miss: true, l3miss: true, ttl: 9, tos: 16, df: 'set', gbp: true, sourcePorts: { low: 40_000, high: 50_000 }, ageingSeconds: 60, udpChecksum: false,
    fdb: [{ mac: '02:00:00:00:00:0b', destination: '172.30.0.2' }], neighbours: [{ address: '10.9.0.2', mac: '02:00:00:00:00:0b' }], routes: [{ destination: '10.10.0.0/16', via: '10.9.0.2' }],
  };

  it('has every attribute that its document has', async () => {
    await apply(tunnel('vxlan0', FULL));
    expect(json(h1, 'ip', '-j', '-d', 'link', 'show', 'dev', 'vxlan0')[0]).toMatchObject({
      mtu: 1400, address: '02:00:00:00:00:0a',
      linkinfo: {
        info_data: {
          id: 7, local: '172.30.0.1', link: 'eth0', port: 4790, learning: false, proxy: true, l2miss: true, l3miss: true, ttl: 9, tos: '0x10', df: 'set', gbp: true, port_range: { low: 40_000, high: 50_000 },
          ageing: 60, udp_csum: false,
        },
      },
    });
    expect(entries(h1)).toEqual({
      addresses: ['10.9.0.1/24', 'fd00:9::1/64'], fdb: ['00:00:00:00:00:00 172.30.0.2 self', '00:00:00:00:00:00 172.30.0.3 self', '02:00:00:00:00:0b 172.30.0.2 self'], neighbours: ['10.9.0.2 02:00:00:00:00:0b'],
      routes: ['10.10.0.0/16 10.9.0.2 115 onlink'],
    });
    expect(await differences()).toEqual([]);
  });

  it('comes back whole when the change that removed it is rolled back', async () => {
    await apply(tunnel('vxlan0', FULL));
    const before = snapshot(h1);
    const { rows, change } = await apply(tunnel('vx1', { vni: 8, local: '172.30.0.1' }), { prune: true });
    expect(rows.map(({ action, device }) => `${action} ${device}`)).toEqual(['create vx1', 'delete vxlan0']);
    await rollbackChange(change!.record.id);
    expect(snapshot(h1)).toEqual(before);
  });

  it('joins a multicast group, and a bridge, and copies TTL and TOS from inside', async () => {
    ip(h1, 'link add br0 type bridge');
    try {
      const text = tunnel('vxlan0', { vni: 7, underlayDevice: 'eth0', group: '239.1.1.1', bridge: 'br0', ttl: 'inherit', tos: 'inherit', df: 'inherit', gbp: false, proxy: false });
      await apply(text);
      expect(json(h1, 'ip', '-j', '-d', 'link', 'show', 'dev', 'vxlan0')[0]).toMatchObject({ master: 'br0', linkinfo: { info_data: { group: '239.1.1.1', link: 'eth0', df: 'inherit' } } });
      expect(h1.run(['ip', '-d', 'link', 'show', 'dev', 'vxlan0'])).toContain('tos inherit ttl inherit');
      expect((await apply(text)).rows).toEqual([]);
    } finally {
      ip(h1, 'link del br0');
    }
  });

  it('stands beside others of the same file, which are told apart by their names', async () => {
    await apply(`[${mesh()}, ${tunnel('vx1', { vni: 8, local: '172.30.0.1' })}]`);
    expect(devices(h1).sort()).toEqual(['vx1', 'vxlan0']);
    await apply(mesh());
    expect(devices(h1).sort()).toEqual(['vx1', 'vxlan0']);
    await apply(mesh(), { prune: true });
    expect(devices(h1)).toEqual(['vxlan0']);
    await expect(apply(`[${mesh()}, ${tunnel('vxlan0', { vni: 8, local: '172.30.0.1' })}]`)).rejects.toThrow('have the same device, vxlan0');
  });
});

describe('refuses, and changes nothing', () => {
  const UNCHANGED = { unchanged: true, left: [] };

  /** What `apply` says, and whether the node is as before. */
  const refusal = async (text: string, more: Parameters<typeof apply>[1] = {}): Promise<unknown> => {
    const before = snapshot(h1);
    const error: unknown = await apply(text, more).then(() => 'was applied', (reason: unknown) => reason);
    const left = (await listChanges({ netns: { path: h1.path, label: h1.name } })).items.filter(({ state }) => state === 'applying');
    const { code, reason, message, causes, errnoName } = error as Record<string, unknown>;
    return { code, reason, message, causes, errnoName, unchanged: isDeepStrictEqual(snapshot(h1), before), left };
  };

  it('a device that it did not make', async () => {
    ip(h1, 'link add vxlan0 type vxlan id 42 dstport 4789');
    expect(await refusal(mesh())).toMatchObject({ ...UNCHANGED, code: 'SL6061', message: 'vxlan0 exists, and sluice did not make it' });
    await apply(mesh(), { force: true });
    expect(await differences()).toEqual([]);
    expect(await refusal(mesh({ spec: { device: 'eth0' } }))).toMatchObject({ ...UNCHANGED, code: 'SL6061', message: 'eth0 exists, and it is no VXLAN device but veth' });
  });

  it('a route of somebody else to the same network', async () => {
    ip(h1, 'route add 10.244.2.0/24 via 172.30.0.2');
    try {
      expect(await refusal(mesh())).toMatchObject({ ...UNCHANGED, code: 'SL6063', causes: ['10.244.2.0/24 via 172.30.0.2 proto 3'] });
    } finally {
      ip(h1, 'route del 10.244.2.0/24');
    }
  });

  it('a mesh without this node, and an MTU that nothing tells or that is too large', async () => {
    expect(await refusal(tunnel('vxlan0', { vni: 7, local: '172.30.0.1', underlayDevice: 'eth0', mtu: 1451 }))).toMatchObject({ ...UNCHANGED, code: 'SL6062', message: 'the MTU 1451 of vxlan0 is too large: over eth0 it can be 1450' });
    expect(await refusal(mesh({ nodes: NODES.slice(1) }))).toMatchObject({ ...UNCHANGED, code: 'SL6060' });
    expect(await refusal(mesh(), { nodeName: 'node2' })).toMatchObject({ ...UNCHANGED, code: 'SL6062' });
  });

  it('what the kernel refuses on the node: all is as before, and says why in its words', async () => {
    using port = inNetns(h1.path, () => openSocket(socket.AF_INET, socket.SOCK_DGRAM, 0));
    // struct sockaddr_in: any address, port 4789, which the device then cannot have.
    bindSocket(port, Buffer.from([socket.AF_INET, 0, 4789 >> 8, 4789 & 255, ...Array(12).fill(0) as number[]]));
    expect(await refusal(mesh())).toMatchObject({ ...UNCHANGED, code: 'SL4001', reason: 'reverted', message: expect.stringContaining('RTM_NEWLINK vxlan0: EADDRINUSE') as unknown });
  });

  it('a VNI and port that another device has', async () => {
    ip(h1, 'link add other type vxlan id 42 dstport 4789');
    expect(await refusal(mesh())).toMatchObject({ ...UNCHANGED, code: 'SL6002', message: 'VNI 42 on UDP port 4789 of vxlan0 is already that of other' });
    await apply(mesh({ spec: { vni: 43 } }));
    expect(devices(h1).sort()).toEqual(['other', 'vxlan0']);
  });

  it('what the kernel refuses in a rehearsal: a dry run finds it', async () => {
    expect(await refusal(tunnel('vxlan0', { vni: 7, local: '172.30.0.1', addresses: ['ff02::1/64'] }), { dryRun: 'kernel' })).toMatchObject({ ...UNCHANGED, errnoName: 'EADDRNOTAVAIL' });
    const { rows, dryRun, change } = await apply(mesh(), { dryRun: 'kernel' });
    expect([rows.length, dryRun, change, devices(h1)]).toEqual([8, 'kernel', undefined, []]);
  });
});

describe('killed while it applies', () => {
  const kill = (text: string, batch: number, when: MeshAgentSettings['when']): void => {
    writeFileSync(file, text);
    const settings: MeshAgentSettings = { file, netns: { path: h1.path, label: h1.name }, batch, when };
    const { signal, stderr } = spawnSync(process.execPath, [join(import.meta.dirname, '../../support/mesh-agent.ts'), JSON.stringify(settings)], { encoding: 'utf8' });
    expect(signal, stderr).toBe('SIGKILL');
  };
  const interrupted = async (): Promise<string[]> => (await listChanges({ netns: { path: h1.path, label: h1.name } })).items.filter(({ interrupted: cut }) => cut).map(({ record }) => record.id);
  const STOPS = [[1, 'before'], [1, 'after'], [2, 'within'], [2, 'after']] as const;

  it.each(STOPS)('at batch %i, %s it: the next apply cleans up and completes', async (batch, when) => {
    kill(mesh(), batch, when);
    const [id] = await interrupted();
    expect((await apply(mesh())).cleanedUp).toBe(id);
    expect([await interrupted(), await differences()]).toEqual([[], []]);
  });

  it.each(STOPS.slice(1, 3))('at batch %i, %s it: a rollback leaves nothing', async (batch, when) => {
    kill(mesh(), batch, when);
    await rollbackChange((await interrupted())[0]);
    expect(devices(h1)).toEqual([]);
  });

  it.each([[1, 'after'], [3, 'within']] as const)('while it makes a device anew, at batch %i, %s it: a rollback brings the old one back', async (batch, when) => {
    await apply(mesh());
    const before = snapshot(h1);
    kill(mesh({ spec: { vni: 43 } }), batch, when);
    await rollbackChange((await interrupted())[0]);
    expect(snapshot(h1)).toEqual(before);
  });

  it('while it changes entries: a rollback brings them back', async () => {
    await apply(mesh());
    const before = snapshot(h1);
    kill(mesh({ nodes: [NODES[0]!, { ...NODES[1]!, mac: '02:00:00:00:00:0b', podCIDR: '10.244.22.0/24' }] }), 1, 'within');
    await rollbackChange((await interrupted())[0]);
    expect(snapshot(h1)).toEqual(before);
  });
});
