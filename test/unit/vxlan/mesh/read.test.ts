import { describe, expect, it } from 'vitest';
import { formatCidr } from '../../../../src/lib/cidr.ts';
import { readManifests } from '../../../../src/lib/manifest.ts';
import { deriveMac } from '../../../../src/domain/vxlan/mesh/mac.ts';
import type { Mesh, WantedTunnel } from '../../../../src/domain/vxlan/mesh/model.ts';
import { readMesh, type FoundNode } from '../../../../src/domain/vxlan/mesh/read-mesh.ts';
import { readTunnel } from '../../../../src/domain/vxlan/mesh/read-tunnel.ts';
import { findOwnNode, wantedOf } from '../../../../src/domain/vxlan/mesh/wanted.ts';

const HEAD = 'apiVersion: sluice.dev/v1\nkind: VxlanMesh\nmetadata: {name: pods}\n';
const MESH = `${HEAD}spec:
  vni: 42
  nodes:
  - {name: node1, underlay: 10.0.0.1, podCIDR: 10.244.1.0/24, mac: 02:00:00:00:00:01}
  - {name: node2, underlay: 10.0.0.2, podCIDR: 10.244.2.0/24, gateway: 10.244.2.1}
  - name: node3
    underlay: 10.0.0.3
    podCIDRs: [10.244.3.0/24, "fd00:244:3::/64"]
`;

const mesh = async (text: string, found?: FoundNode[]): Promise<Mesh> => await readManifests('m.yaml', text, ([first]) => readMesh(first!, found));
const tunnel = async (spec: string): Promise<WantedTunnel> => await readManifests('t.yaml', `${HEAD.replace('VxlanMesh', 'VxlanTunnel').replace('pods', 'vx0')}spec: ${spec}\n`, ([first]) => readTunnel(first!));

describe('a mesh', () => {
  it('has defaults: no flooding, no learning, gateways and MAC addresses that everybody works out the same', async () => {
    const read = await mesh(MESH);
    expect(read).toMatchObject({ name: 'pods', device: 'vxlan.sluice', vni: 42, port: 4789, mtu: 'auto', mode: 'routed', options: { learning: false } });
    expect(read.nodes.map(({ podCidrs, ...node }) => ({ ...node, podCidrs: podCidrs.map(formatCidr) }))).toEqual([
      { name: 'node1', underlay: '10.0.0.1', podCidrs: ['10.244.1.0/24'], gateways: ['10.244.1.0'], mac: '02:00:00:00:00:01' },
      { name: 'node2', underlay: '10.0.0.2', podCidrs: ['10.244.2.0/24'], gateways: ['10.244.2.1'], mac: deriveMac(42, '10.0.0.2') },
      { name: 'node3', underlay: '10.0.0.3', podCidrs: ['10.244.3.0/24', 'fd00:244:3::/64'], gateways: ['10.244.3.0', 'fd00:244:3::'], mac: deriveMac(42, '10.0.0.3') },
    ]);
  });

  it('gives a node its device and entries for all others', async () => {
    const read = await mesh(MESH);
    expect(wantedOf(read, findOwnNode(read, new Set(['127.0.0.1', '10.0.0.1']), undefined))).toEqual({
      owner: 'VxlanMesh/pods', device: 'vxlan.sluice', mtu: 'auto', mac: '02:00:00:00:00:01', attributes: { vni: 42, port: 4789, local: '10.0.0.1', learning: false }, addresses: ['10.244.1.0/32'],
      fdb: [{ mac: deriveMac(42, '10.0.0.2'), destination: '10.0.0.2' }, { mac: deriveMac(42, '10.0.0.3'), destination: '10.0.0.3' }],
      neighbours: [{ address: '10.244.2.1', mac: deriveMac(42, '10.0.0.2') }, { address: '10.244.3.0', mac: deriveMac(42, '10.0.0.3') }, { address: 'fd00:244:3::', mac: deriveMac(42, '10.0.0.3') }],
      routes: [{ destination: '10.244.2.0/24', via: '10.244.2.1' }, { destination: '10.244.3.0/24', via: '10.244.3.0' }, { destination: 'fd00:244:3::/64', via: 'fd00:244:3::' }],
    });
  });

  it('floods where it is told to, and learns then', async () => {
    const read = await mesh(MESH.replace('vni: 42', 'vni: 42\n  mode: flood'));
    const wanted = wantedOf(read, findOwnNode(read, new Set(), 'node2'));
    expect(wanted.fdb).toEqual([{ mac: '00:00:00:00:00:00', destination: '10.0.0.1' }, { mac: '00:00:00:00:00:00', destination: '10.0.0.3' }]);
    expect([wanted.neighbours, wanted.attributes.learning, wanted.routes.length]).toEqual([[], true, 3]);
  });

  it('takes nodes from elsewhere', async () => {
    const { nodes } = await mesh(`${HEAD}spec: {vni: 1}\n`, [{ name: 'a', underlay: '10.0.0.1', podCidrs: [{ words: [0x0af4_0100], length: 24 }] }]);
    expect(nodes).toEqual([{ name: 'a', underlay: '10.0.0.1', podCidrs: [{ words: [0x0af4_0100], length: 24 }], gateways: ['10.244.1.0'], mac: deriveMac(1, '10.0.0.1') }]);
  });

  it('derives unicast MAC addresses of its own that differ by VNI and address', () => {
    const macs = Array.from({ length: 1000 }, (_, i) => deriveMac(42, `10.0.${i >> 8}.${i & 255}`));
    expect(new Set([...macs, deriveMac(43, '10.0.0.0')]).size).toBe(1001);
    expect(macs.every((mac) => (Number.parseInt(mac.slice(0, 2), 16) & 3) === 2)).toBe(true);
  });

  it('says when this node is none of it, or several', async () => {
    const read = await mesh(MESH);
    expect(() => findOwnNode(read, new Set(['10.9.9.9']), undefined)).toThrowError(expect.objectContaining({ code: 'SL6060', reason: 'not-found', message: 'this node is not in mesh pods' }) as Error);
    expect(() => findOwnNode(read, new Set(['10.0.0.1', '10.0.0.2']), undefined)).toThrow('this node has the addresses of several nodes of pods: node1, node2');
    expect(() => findOwnNode(read, new Set(), 'nodo1')).toThrowError(expect.objectContaining({ hints: ['--node-name node1', '--node-name node2', '--node-name node3'] }) as Error);
  });

  const changed = (from: string, to: string): string => MESH.replace(from, to);

  it.each([
    ['a name twice', changed('name: node2', 'name: node1'), '8:12: there are two nodes called node1'],
    ['an underlay address twice', changed('10.0.0.3', '10.0.0.1'), '10:15: node3 has the underlay address 10.0.0.1 of node1'],
    ['a MAC address twice', changed('underlay: 10.0.0.3', 'underlay: 10.0.0.3\n    mac: 02:00:00:00:00:01'), '11:10: node3 has the MAC address 02:00:00:00:00:01 of node1'],
    ['the same network twice', changed('10.244.2.0/24, gateway: 10.244.2.1', '10.244.1.0/24'), '8:5: pod networks overlap: 10.244.1.0/24 of node2 and 10.244.1.0/24 of node1'],
    ['a network in another', changed('[10.244.3.0/24', '[10.244.0.0/16'), '7:5: pod networks overlap: 10.244.1.0/24 of node1 and 10.244.0.0/16 of node3'],
    ['an IPv6 network in another', changed('10.244.1.0/24', '"fd00:244::/32"'), '9:5: pod networks overlap: fd00:244:3::/64 of node3 and fd00:244::/32 of node1'],
    ['bits beyond the prefix', changed('10.244.1.0/24', '10.244.1.5/24'), '7:48: spec.nodes[0].podCIDR has bits beyond its prefix: the network is 10.244.1.0/24'],
    ['no network', changed('10.244.1.0/24', '10.244.1.0'), "7:48: spec.nodes[0].podCIDR must be a network such as 10.244.1.0/24, not '10.244.1.0'"],
    ['a bad MAC address', changed('02:00:00:00:00:01', '02:00:00:00:01'), "7:68: spec.nodes[0].mac must be a MAC address such as 02:00:00:00:00:01, not '02:00:00:00:01'"],
    ['a multicast MAC address', changed('02:00:00:00:00:01', '01:00:5e:00:00:01'), '7:68: spec.nodes[0].mac is a multicast address: the first byte must be even'],
    ['a MAC address of zeros', changed('02:00:00:00:00:01', '00:00:00:00:00:00'), '7:68: spec.nodes[0].mac is the MAC address of zeros, which no device can have'],
    ['a gateway elsewhere', changed('gateway: 10.244.2.1', 'gateway: 10.244.9.1'), '8:72: spec.nodes[1].gateway 10.244.9.1 is not in 10.244.2.0/24'],
    ['an underlay that is no address', changed('underlay: 10.0.0.1', 'underlay: eth0'), "7:29: spec.nodes[0].underlay must be an IP address, not 'eth0'"],
    ['an underlay of another family', changed('10.0.0.3', '"fd00::3"'), '10:15: the underlay of node1 is IPv4, that of node3 is not: a VXLAN device has one family'],
    ['an underlay in a pod network', changed('10.0.0.1', '10.244.2.7'), '7:29: the underlay address 10.244.2.7 of node1 is in the pod network 10.244.2.0/24 of node2'],
    ['a network outside the whole', changed('vni: 42', 'vni: 42\n  podCIDR: 10.244.0.0/23'), '9:5: 10.244.2.0/24 of node2 is not in 10.244.0.0/23'],
    ['VNI 0', changed('vni: 42', 'vni: 0'), '5:8: spec.vni must be a whole number from 1 to 16777215, not 0'],
    ['a VNI of 25 bits', changed('vni: 42', 'vni: 16777216'), '5:8: spec.vni must be a whole number from 1 to 16777215, not 16777216'],
    ['no VNI', changed('  vni: 42\n', ''), '5:3: spec.vni must be a whole number from 1 to 16777215, not nothing'],
    ['port 0', changed('vni: 42', 'vni: 42\n  port: 0'), '6:9: spec.port must be a whole number from 1 to 65535, not 0'],
    ['a name of 16 characters', changed('vni: 42', 'vni: 42\n  device: vxlan-of-16-char'), "6:11: spec.device is no name for an interface: up to 15 characters without blanks, '/', ':' and '%'"],
    ['an unknown mode', changed('vni: 42', 'vni: 42\n  mode: magic'), '6:9: spec.mode must be routed or flood, not "magic"'],
    ['a member that does not exist', changed('vni: 42', 'vni: 42\n  vin: 42'), "6:3: there is no member 'vin'"],
    ['a node without network', changed(', podCIDR: 10.244.1.0/24', ''), '7:5: a node needs a podCIDR'],
    ['no nodes', `${HEAD}spec: {vni: 42}\n`, '4:7: spec.nodes is empty: a mesh needs nodes'],
    ['no spec', HEAD, '1:1: a mesh needs a spec'],
  ])('is refused with %s', async (_what, text, message) => {
    await expect(mesh(text)).rejects.toThrowError(expect.objectContaining({ message: `m.yaml:${message}`, reason: 'usage' }) as Error);
  });
});

describe('a tunnel', () => {
  it('reads every member', async () => {
    expect(await tunnel(`
  vni: 7
  local: 10.0.0.1
  underlayDevice: eth0
  group: 239.1.1.1
  remotes: [10.0.0.2, 10.0.0.3]
  port: 4790
  mtu: 1400
  mac: 02:00:00:00:00:0A
  bridge: br0
  addresses: 10.9.0.1/24
  learning: false
  proxy: true
  l2miss: true
  l3miss: true
  ttl: inherit
  tos: inherit
  df: set
  gbp: true
  sourcePorts: {low: 40000, high: 50000}
  ageingSeconds: 60
  udpChecksum: false
  fdb: [{mac: 02:00:00:00:00:0b, destination: 10.0.0.2}]
  neighbours: [{address: 10.9.0.2, mac: 02:00:00:00:00:0b}]
  routes: [{destination: 10.10.0.0/16, via: 10.9.0.2}]`)).toEqual({
      owner: 'VxlanTunnel/vx0', device: 'vx0', underlayDevice: 'eth0', mtu: 1400, mac: '02:00:00:00:00:0a', bridge: 'br0', addresses: ['10.9.0.1/24'],
      attributes: {
        vni: 7, port: 4790, local: '10.0.0.1', group: '239.1.1.1', learning: false, proxy: true, l2miss: true, l3miss: true, ttlInherit: true, tos: 1, df: 'set', gbp: true,
        sourcePorts: { low: 40_000, high: 50_000 }, ageingSeconds: 60, udpChecksum: false,
      },
      fdb: [{ mac: '00:00:00:00:00:00', destination: '10.0.0.2' }, { mac: '00:00:00:00:00:00', destination: '10.0.0.3' }, { mac: '02:00:00:00:00:0b', destination: '10.0.0.2' }],
      neighbours: [{ address: '10.9.0.2', mac: '02:00:00:00:00:0b' }], routes: [{ destination: '10.10.0.0/16', via: '10.9.0.2' }],
    });
  });

  it.each([
    ['{vni: 1, local: 10.0.0.1, underlayDevice: eth0, group: "ff05::1"}', '4:62: spec.group ff05::1 and 10.0.0.1 are of different families'],
    ['{vni: 1, underlayDevice: eth0, group: 10.0.0.9}', '4:45: spec.group 10.0.0.9 is no multicast address'],
    ['{vni: 1, local: 10.0.0.1, group: 239.1.1.1}', '4:40: a multicast group needs spec.underlayDevice: the interface that joins it'],
    ['{vni: 1, local: 10.0.0.1, remotes: ["fd00::1"]}', '4:43: spec.remotes[0] fd00::1 and 10.0.0.1 are of different families'],
    ['{vni: 1, underlayDevice: eth0, remotes: ["fd00::1"]}', '4:48: IPv6 remotes need spec.local: it tells the family of the device'],
    ['{vni: 1}', '4:7: a tunnel needs spec.local or spec.underlayDevice'],
    ['{vni: 1, local: 10.0.0.1, addresses: [10.0.0.1]}', "4:45: spec.addresses[0] must be an address with a prefix length such as 10.244.1.1/24, not '10.0.0.1'"],
    ['{vni: 1, local: 10.0.0.1, mtu: 20}', '4:38: spec.mtu must be a whole number from 68 to 65535, not 20'],
    ['{vni: 1, local: 10.0.0.1, sourcePorts: {low: 9, high: 5}}', '4:61: spec.sourcePorts.high must be a whole number from 9 to 65535, not 5'],
    ['{vni: 1, local: 10.0.0.1, remotes: [10.0.0.2, 10.0.0.2]}', '4:53: 10.0.0.2 stands twice in spec.remotes'],
    ['{vni: 1, local: 10.0.0.1, addresses: [10.9.0.1/24, 10.9.0.1/24]}', '4:58: 10.9.0.1/24 stands twice in spec.addresses'],
    ['{vni: 1, local: 10.0.0.1, fdb: [{mac: 02:00:00:00:00:01, destination: 10.0.0.2}, {mac: 02:00:00:00:00:01, destination: 10.0.0.3}]}', '4:88: 02:00:00:00:00:01 stands twice in spec.fdb'],
    ['{vni: 1, local: 10.0.0.1, df: maybe}', '4:37: spec.df must be unset or set or inherit, not "maybe"'],
    ['{vni: 1, local: 10.0.0.1, proxy: 1}', '4:40: spec.proxy must be true or false, not 1'],
    ['{vni: 1, local: 10.0.0.1, routes: [{destination: 10.0.0.0/8, via: "fd00::1"}]}', '4:73: spec.routes[0].via fd00::1 and 10.0.0.0/8 are of different families'],
  ])('is refused as %s', async (spec, message) => {
    await expect(tunnel(spec)).rejects.toThrow(`t.yaml:${message}`);
  });
});
