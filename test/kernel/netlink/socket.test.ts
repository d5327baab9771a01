import { setTimeout as sleep } from 'node:timers/promises';
import { beforeAll, describe, expect, test } from 'vitest';
import { NetlinkError } from '../../../src/lib/errors.ts';
import {
  addAddress, addFdb, addRoute, changeLink, createLink, deleteFdb, deleteRoute, findFamily, getLink, listAddresses, listFdb, listLinks, listNeighbours, listRoutes, type NetlinkSocket, openMonitor, openNetlink, readLink,
  replaceNeighbour, vxlanData,
} from '../../../src/kernel/netlink/index.ts';
import type { ReadMessage } from '../../../src/kernel/netlink/socket.ts';
import { neighbour as nd, netlink as uapi, rtnetlink } from '../../../src/kernel/uapi/index.ts';
import { requireRoot, requireTool } from '../../support/require.ts';
import { type Netns, withNetns } from '../../support/sluice.ts';

beforeAll(() => {
  requireRoot();
  requireTool('bridge');
});

const json = (netns: Netns, argv: readonly string[]): Record<string, unknown>[] => JSON.parse(netns.run(argv) || '[]') as Record<string, unknown>[];
const vxlan = (name: string, vni: number) => createLink({ name, kind: 'vxlan', data: vxlanData({ vni, port: 4789, local: '127.0.0.1', learning: false }), up: true });
const mac = (n: number): string => `02:00:00:${[n >>> 16, n >>> 8, n].map((byte) => (byte & 255).toString(16).padStart(2, '0')).join(':')}`;

describe('a refusal', () => {
  test('comes with the words of the kernel and the attribute that it points at', () => withNetns('nla', (netns) => {
    using netlink = openNetlink({ netns });
    netlink.request(vxlan('vx0', 7));
    expect(() => netlink.request(vxlan('vx1', 7))).toThrow('RTM_NEWLINK vx1: EEXIST: A VXLAN device with the specified VNI already exists');
    expect(() => netlink.request(changeLink(getLink(netlink, 'vx0').index, 'vx0', { mtu: 70_000 }))).toThrow('RTM_NEWLINK vx0: EINVAL: mtu greater than device maximum');
    const refused = refusal(() => netlink.request(createLink({ name: 'vx2', kind: 'vxlan', data: vxlanData({ vni: 1 << 24, port: 4789 }) })));
    expect(refused).toMatchObject({ errnoName: 'ERANGE', operation: 'RTM_NEWLINK vx2', causes: ['the kernel points at IFLA_LINKINFO/IFLA_INFO_DATA/IFLA_VXLAN_ID'] });
  }));

  test('has a reason for the exit code', () => withNetns('nlb', (netns) => {
    using netlink = openNetlink({ netns });
    expect(refusal(() => getLink(netlink, 'nothere')).reason).toBe('not-found');
    expect(refusal(() => netlink.request(createLink({ name: 'x', kind: 'nosuchkind' })))).toMatchObject({ reason: 'unsupported', code: 'SL2701' });
    expect(refusal(() => netlink.request(addRoute({ destination: '10.0.0.1', prefixLength: 24, oif: 1 })))).toMatchObject({ errnoName: 'EINVAL', extendedAck: 'Invalid prefix for given prefix length' });
  }));

  test('of one request in a batch leaves the others standing', () => withNetns('nlc', (netns) => {
    using netlink = openNetlink({ netns });
    netlink.request(vxlan('vx0', 7));
    const { index } = getLink(netlink, 'vx0');
    const entry = (n: number) => addFdb({ ifindex: index, lladdr: mac(n), destination: '10.0.0.1', flags: nd.NTF_SELF, state: nd.NUD_PERMANENT | nd.NUD_NOARP }, 'create', 'vx0');
    const refused = netlink.tryAll([entry(1), entry(2), entry(1), entry(3), entry(2)]);
    expect(refused.map(({ index: at, error }) => [at, error.errnoName])).toEqual([[2, 'EEXIST'], [4, 'EEXIST']]);
    expect(listFdb(netlink, { ifindex: index }).items).toHaveLength(3);
    expect(() => netlink.runAll([entry(2), entry(4), entry(3)])).toThrow(expect.objectContaining({ message: `RTM_NEWNEIGH vx0 ${mac(2)} dst 10.0.0.1: EEXIST`, causes: [`RTM_NEWNEIGH vx0 ${mac(3)} dst 10.0.0.1: EEXIST`] }));
  }));
});

test('thousands of entries are written in one go and read back as `bridge`, `ip neigh` and `ip route` read them', () => withNetns('nld', (netns) => {
  using netlink = openNetlink({ netns });
  netlink.request(vxlan('vx0', 7));
  const ifindex = getLink(netlink, 'vx0').index;
  netlink.runAll([addAddress({ ifindex, address: '10.9.0.1', prefixLength: 16 }, 'vx0')]);
  const numbers = Array.from({ length: 3000 }, (_, n) => n + 1);
  netlink.runAll(numbers.flatMap((n) => [
    addFdb({ ifindex, lladdr: mac(n), destination: `10.1.${n >> 8}.${n & 255}`, flags: nd.NTF_SELF, state: nd.NUD_PERMANENT | nd.NUD_NOARP }, 'create', 'vx0'),
    replaceNeighbour({ ifindex, destination: `10.9.${(n >> 8) + 1}.${n & 255}`, lladdr: mac(n) }, 'vx0'),
    addRoute({ destination: `10.2.${n >> 8}.${n & 255}`, prefixLength: 32, gateway: '10.9.0.9', oif: ifindex, onlink: true }),
  ]));
  const fdb = listFdb(netlink, { ifindex });
  expect(fdb.complete).toBe(true);
  expect(fdb.items.map(({ lladdr, destination }) => [lladdr, destination])).toEqual(json(netns, ['bridge', '-j', 'fdb', 'show', 'dev', 'vx0']).map((entry) => [entry['mac'], entry['dst']]));
  expect(fdb.items).toHaveLength(3000);
  expect(listNeighbours(netlink, { family: 4, ifindex }).items.map(({ destination, lladdr }) => [destination, lladdr]))
    .toEqual(json(netns, ['ip', '-j', '-4', 'neigh', 'show', 'dev', 'vx0']).map((entry) => [entry['dst'], entry['lladdr']]));
  const routes = listRoutes(netlink, { family: 4, table: rtnetlink.RT_TABLE_MAIN });
  expect(routes.items.map(({ destination, prefixLength, gateway }) => [prefixLength === 32 ? destination : `${destination}/${prefixLength}`, gateway]))
    .toEqual(json(netns, ['ip', '-j', '-4', 'route', 'show', 'table', 'main']).map((entry) => [entry['dst'], entry['gateway']]));
  expect(routes.items).toHaveLength(3001);
  expect(listAddresses(netlink, { ifindex, family: 4 }).items).toEqual([expect.objectContaining({ local: '10.9.0.1', prefixLength: 16, peer: undefined })]);
  netlink.runAll(numbers.flatMap((n) => [
    deleteFdb({ ifindex, lladdr: mac(n), flags: nd.NTF_SELF }, 'vx0'), deleteRoute({ destination: `10.2.${n >> 8}.${n & 255}`, prefixLength: 32 }),
  ]));
  expect(listFdb(netlink, { ifindex }).items).toEqual([]);
}));

describe('a table that changes while it is read', () => {
  const LINKS = 100;
  const dump = { operation: 'RTM_GETLINK', type: rtnetlink.RTM_GETLINK, flags: 0, body: Buffer.alloc(16) };

  /** Reads links and makes another one, by another socket, in the middle of each of the first `changes` attempts. */
  const readWhileChanging = (netns: Netns, changes: number): { reader: NetlinkSocket; read: ReadMessage<string>; attempts: () => number; close: () => void } => {
    const [reader, writer] = [openNetlink({ netns }), openNetlink({ netns })];
    writer.runAll(Array.from({ length: LINKS }, (_, n) => vxlan(`vx${n}`, n + 1)));
    let attempts = 0;
    const read = (...[bytes, start, end]: Parameters<ReadMessage<string>>): string => {
      const { name } = readLink(bytes, start, end);
      if (name === 'lo' && attempts++ < changes) writer.request(vxlan(`new${attempts}`, LINKS + attempts));
      return name;
    };
    return { reader, read, attempts: () => attempts, close: () => [reader, writer].forEach((socket) => socket.close()) };
  };

  test('is read again, and is whole then', () => withNetns('nli', (netns) => {
    const { reader, read, attempts, close } = readWhileChanging(netns, 2);
    const { items, complete } = reader.dump(dump, read);
    expect({ complete, attempts: attempts(), links: items.length, different: new Set(items).size }).toEqual({ complete: true, attempts: 3, links: LINKS + 3, different: LINKS + 3 });
    close();
  }));

  test('again and again, is said to be incomplete after a while', () => withNetns('nlj', (netns) => {
    const { reader, read, attempts, close } = readWhileChanging(netns, Infinity);
    expect(reader.dump(dump, read)).toMatchObject({ complete: false });
    expect(attempts()).toBe(5);
    close();
  }));

  test('in pieces, cannot be read again, and is said to be incomplete', () => withNetns('nlp', async (netns) => {
    const { reader, read, close } = readWhileChanging(netns, 1);
    const pieces = reader.dumpPieces(dump, read);
    const names: string[] = [];
    let next = await pieces.next();
    for (; next.done !== true; next = await pieces.next()) names.push(...next.value);
    expect(next.value).toBe(false);
    expect(names.length).toBeGreaterThanOrEqual(LINKS + 1);
    expect((await Array.fromAsync(reader.dumpPieces(dump, (bytes, start, end) => readLink(bytes, start, end).name))).flat()).toHaveLength(LINKS + 2);
    close();
  }));
});

test('a dump that is left early ends before its descriptor is closed', () => withNetns('nlx', async (netns) => {
  const dump = { operation: 'RTM_GETLINK', type: rtnetlink.RTM_GETLINK, flags: 0, body: Buffer.alloc(16) };
  {
    using netlink = openNetlink({ netns });
    netlink.runAll(Array.from({ length: 200 }, (_, n) => vxlan(`vx${n}`, n + 1)));
  }
  for (let round = 0; round < 50; round++) {
    using netlink = openNetlink({ netns });
    for await (const names of netlink.dumpPieces(dump, (bytes, start, end) => readLink(bytes, start, end).name)) {
      expect(names[0]).toBe('lo');
      break;
    }
  }
  using netlink = openNetlink({ netns });
  await expect(netlink.dumpPieces({ ...dump, operation: 'RTM_GETLINK of nothing', body: Buffer.alloc(2) }, () => 1).next()).rejects.toThrow('RTM_GETLINK of nothing: EINVAL');
}));

test('links are read as `ip` reads them', () => withNetns('nle', (netns) => {
  for (const words of ['br0 type bridge', 'v0 type veth peer name v1', 'vx9 type vxlan id 9 dstport 4789', 'ifb0 type ifb']) netns.run(['ip', 'link', 'add', ...words.split(' ')]);
  netns.run(['ip', 'link', 'set', 'v0', 'master', 'br0', 'up', 'alias', 'to the pod']);
  netns.run(['ip', 'link', 'property', 'add', 'dev', 'v1', 'altname', 'a-name-longer-than-fifteen']);
  using netlink = openNetlink({ netns });
  const expected = json(netns, ['ip', '-d', '-j', 'link']);
  const names = new Map(expected.map((link) => [link['ifindex'], link['ifname']]));
  expect(listLinks(netlink, { statistics: true }).items.map((link) => ({
    ifindex: link.index, ifname: link.name, mtu: link.mtu, address: link.address, master: names.get(link.master), qdisc: link.qdisc, min_mtu: link.minMtu, max_mtu: link.maxMtu,
    ifalias: link.alias, kind: link.kind, peer: names.get(link.lower), altnames: link.altNames,
  }))).toEqual(expected.map((link) => ({
    ifindex: link['ifindex'], ifname: link['ifname'], mtu: link['mtu'], address: link['address'], master: link['master'], qdisc: link['qdisc'], min_mtu: link['min_mtu'], max_mtu: link['max_mtu'],
    ifalias: link['ifalias'], kind: (link['linkinfo'] as Record<string, unknown> | undefined)?.['info_kind'], peer: link['link'], altnames: link['altnames'] ?? [],
  })));
  expect(listLinks(netlink, { kind: 'veth' }).items.map(({ name }) => name)).toEqual(['v1', 'v0']);
  expect(listLinks(netlink, { master: getLink(netlink, 'br0').index }).items.map(({ name, statistics }) => [name, statistics])).toEqual([['v0', undefined]]);
  expect(getLink(netlink, 'a-name-longer-than-fifteen').name).toBe('v1');
  expect(getLink(netlink, 1)).toMatchObject({ name: 'lo', statistics: expect.objectContaining({ rxPackets: 0n }) });
}));

describe('a monitor', () => {
  test('tells what happens to links', () => withNetns('nlf', async (netns) => {
    const seen: string[] = [];
    using _monitor = openMonitor([rtnetlink.RTNLGRP_LINK], { message: (type, ...body) => seen.push(`${type === rtnetlink.RTM_NEWLINK ? '+' : '-'}${readLink(...body).name}`), overrun: () => seen.push('overrun') }, { netns });
    netns.run(['ip', 'link', 'add', 'br0', 'type', 'bridge']);
    netns.run(['ip', 'link', 'del', 'br0']);
    await expect.poll(() => seen).toContain('-br0');
    expect(seen[0]).toBe('+br0');
    expect(seen).not.toContain('overrun');
  }));

  test('says that events were lost', () => withNetns('nlg', async (netns) => {
    let overruns = 0;
    using _monitor = openMonitor([rtnetlink.RTNLGRP_NEIGH], { message: () => undefined, overrun: () => void overruns++ }, { netns, queueBytes: 4096 });
    using netlink = openNetlink({ netns });
    netlink.request(vxlan('vx0', 7));
    const ifindex = getLink(netlink, 'vx0').index;
    netlink.runAll(Array.from({ length: 500 }, (_, n) => addFdb({ ifindex, lladdr: mac(n + 1), destination: '10.0.0.1', flags: nd.NTF_SELF, state: nd.NUD_PERMANENT }, 'create', 'vx0')));
    await sleep(10);
    await expect.poll(() => overruns).toBeGreaterThan(0);
  }));
});

test('families of generic netlink are found by name', () => {
  using netlink = openNetlink({ protocol: uapi.NETLINK_GENERIC });
  expect(findFamily(netlink, 'nlctrl')).toBe(16);
  expect(findFamily(netlink, 'nosuchfamily')).toBeUndefined();
});

function refusal(use: () => unknown): NetlinkError {
  try {
    use();
  } catch (error) {
    if (error instanceof NetlinkError) return error;
    throw error;
  }
  throw new Error('it was not refused');
}
