/** Reads one end of a tunnel. Nothing is sent and nothing is changed. */

import { readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { hostname } from 'node:os';
import { openById, programInfo, queryPrograms } from '../../../../kernel/bpf/index.ts';
import { readDriver, readFeatures } from '../../../../kernel/ethtool/index.ts';
import {
  decodeKind, decodePort, getLink, listAddresses, listFdb, listLinks, listNeighbours, listRoutes, lookUpRoute, openNetlink,
  type Link, type LinkStatistics, type Neighbour, type NetlinkSocket, type VxlanAttributes,
} from '../../../../kernel/netlink/index.ts';
import { inNetns, netnsInode } from '../../../../kernel/netns/index.ts';
import { bpf, rtnetlink } from '../../../../kernel/uapi/index.ts';
import { NetlinkError, NotFoundError, SluiceError } from '../../../../lib/errors.ts';
import { suggest } from '../../../../lib/text.ts';
import type { AddressFacts, Audit, BridgePortFacts, Counters, OffloadFacts, OtherTunnel, RemoteFacts, RouteFacts, TunnelFacts, UnderlayFacts } from '../model.ts';
import { parseStack, parseStack6 } from './counters.ts';
import { readFirewall } from './firewall/inspect.ts';
import { boundInodes } from './udp-sockets.ts';
import { fdbFacts, isMulticast, neighbourFacts, stateWord, tunnelFacts } from './words.ts';

const IFF_UP = 1;

/** Where and what to read. */
export interface AuditRequest {
  /** Name of the tunnel device. */
  name: string;
  /** Path of the namespace; the caller's own when absent. */
  netns?: string | undefined;
  /** Addresses whose routes are wanted. */
  lookups?: readonly string[];
}

/** Names of the VXLAN devices of a namespace. */
export function tunnelNames(netns: string | undefined): { name: string; altNames: readonly string[]; vni: number | undefined; port: number | undefined }[] {
  using netlink = openNetlink(netns === undefined ? {} : { netns: { path: netns } });
  return listLinks(netlink, { kind: 'vxlan' }).items.map((link) => {
    const { vni, port } = vxlanOf(link);
    return { name: link.name, altNames: link.altNames, vni, port };
  });
}

/** Reads everything about one end. @throws NotFoundError SL6101 when the device is not there or is none of VXLAN. */
export async function readAudit({ name, netns, lookups = [] }: AuditRequest): Promise<Audit> {
  const audit = readLinks(name, netns, lookups);
  const firewall = await readFirewall(audit, netns);
  return { ...audit, ...firewall };
}

/** All but the firewall, at one moment. */
function readLinks(name: string, netns: string | undefined, lookups: readonly string[]): Audit {
  using netlink = openNetlink(netns === undefined ? {} : { netns: { path: netns } });
  const links = listLinks(netlink).items;
  const link = findTunnel(netlink, name, links);
  const vxlan = vxlanOf(link);
  const layer3 = links.find(({ index }) => index === link.master && link.portKind === 'bridge') ?? link;
  const addresses = readAddresses(netlink, links);
  const fdb = listFdb(netlink, { ifindex: link.index }).items.map(fdbFacts).filter((entry) => entry !== undefined);
  const remotes = readRemotes(netlink, fdb, addresses, links);
  const underlay = readUnderlay(links, vxlan, remotes, netns);
  const tunnel: TunnelFacts = {
    ...tunnelFacts(link, vxlan), innerMac: layer3.address ?? '', addresses: addresses.filter(({ device }) => device === layer3.name).map(({ address, prefixLength }) => `${address}/${prefixLength}`),
    ...named(links, vxlan.lower),
  };
  const neighbours = listNeighbours(netlink, { ifindex: layer3.index }).items.map(neighbourFacts).filter((entry) => entry !== undefined);
  return {
    node: hostname(), netns: netnsInode(netns), tunnel: { ...tunnel, ipv6: tunnel.ipv6 || (remotes[0]?.address.includes(':') ?? false) },
    ...(underlay === undefined ? {} : { underlay }), addresses, remotes, fdb,
    // Of a bridge only those behind the tunnel: the others are pods of this node.
    neighbours: layer3 === link ? neighbours : neighbours.filter(({ mac }) => fdb.some((entry) => entry.mac === mac)),
    routes: readRoutes(netlink, layer3.index), otherTunnels: otherTunnels(links, link),
    ...portHolder(tunnel, netns), ...bridgePort(link, links),
    rpFilter: readRpFilter(layer3.name, netns), lookups: lookups.map((address) => lookUp(netlink, address, links)),
    ...offload(tunnel.name, underlay?.name, netns), counters: readCounters(netlink, link.index, underlay?.ifindex, netns), notes: [],
  };
}

const vxlanOf = (link: Link): VxlanAttributes => (link.kindData === undefined ? {} : decodeKind('vxlan', link.kindData) as VxlanAttributes);

function findTunnel(netlink: NetlinkSocket, name: string, links: readonly Link[]): Link {
  const found = links.find((link) => link.name === name || link.altNames.includes(name));
  if (found?.kind === 'vxlan') return getLink(netlink, found.index);
  const tunnels = links.filter(({ kind }) => kind === 'vxlan').map((link) => link.name);
  const near = suggest(name, tunnels);
  throw new NotFoundError(found === undefined ? `there is no interface ${name}` : `${name} is no VXLAN device`, {
    code: 'SL6101', causes: near.length > 0 ? [`similar names: ${near.join(', ')}`] : tunnels.length === 0 ? ['there is no VXLAN device'] : [], hints: ['sluice vxlan list'],
  });
}

const nameAt = (links: readonly Link[], index: number | undefined): string | undefined => links.find((link) => link.index === index)?.name;

function named(links: readonly Link[], lower: number | undefined): { lower?: string } {
  const name = lower === undefined || lower === 0 ? undefined : nameAt(links, lower);
  return name === undefined ? {} : { lower: name };
}

const readAddresses = (netlink: NetlinkSocket, links: readonly Link[]): AddressFacts[] => listAddresses(netlink).items
  .map(({ ifindex, local, prefixLength }) => ({ device: nameAt(links, ifindex) ?? `if${ifindex}`, address: local, prefixLength }));

/** Each place that the FDB sends to, once. */
function readRemotes(netlink: NetlinkSocket, fdb: readonly { remote?: string; configured: boolean }[], addresses: readonly AddressFacts[], links: readonly Link[]): RemoteFacts[] {
  const all = new Map<string, boolean>();
  for (const { remote, configured } of fdb) if (remote !== undefined && !isMulticast(remote)) all.set(remote, configured || all.get(remote) === true);
  if (all.size === 0) return [];
  const states = new Map(listNeighbours(netlink).items.map((entry) => [neighbourKey(entry), stateWord(entry.state)]));
  return [...all].map(([address, configured]) => {
    const isOwn = addresses.some((own) => own.address === address) || address === '127.0.0.1';
    return { address, configured, isOwn, ...(isOwn ? {} : wayTo(netlink, address, links, states)) };
  });
}

const neighbourKey = ({ ifindex, destination }: Pick<Neighbour, 'ifindex' | 'destination'>): string => `${ifindex} ${destination}`;

function wayTo(netlink: NetlinkSocket, address: string, links: readonly Link[], states: ReadonlyMap<string, string>): Partial<RemoteFacts> {
  try {
    const { oif, gateway, type } = lookUpRoute(netlink, address);
    if (type !== rtnetlink.RTN_UNICAST || oif === undefined) return { why: 'the route is a black hole' };
    const state = states.get(neighbourKey({ ifindex: oif, destination: gateway ?? address }));
    return { route: { device: nameAt(links, oif) ?? `if${oif}`, ...(gateway === undefined ? {} : { gateway }) }, ...(state === undefined ? {} : { neighbourState: state }) };
  } catch (error) {
    if (error instanceof NetlinkError) return { why: WHY[error.errnoName] ?? error.errnoName };
    throw error;
  }
}

const WHY: Readonly<Record<string, string>> = { ENETUNREACH: 'network is unreachable', EHOSTUNREACH: 'the route says unreachable', EACCES: 'the route says prohibited', EINVAL: 'the route is a black hole' };

function lookUp(netlink: NetlinkSocket, address: string, links: readonly Link[]): Audit['lookups'][number] {
  const { route, why } = wayTo(netlink, address, links, new Map());
  return { address, ...(route === undefined ? {} : { device: route.device }), ...(why === undefined ? {} : { why }) };
}

/** The device that is set, else the one that the first reachable remote is behind. */
function readUnderlay(links: readonly Link[], { lower }: VxlanAttributes, remotes: readonly RemoteFacts[], netns: string | undefined): UnderlayFacts | undefined {
  const used = remotes.find(({ configured, route }) => configured && route !== undefined)?.route?.device;
  const link = links.find(({ index }) => index === lower) ?? links.find(({ name }) => name === used);
  if (link === undefined) return undefined;
  const driver = quiet(() => readDriver(link.name, netns));
  return {
    name: link.name, ifindex: link.index, mtu: link.mtu, up: (link.flags & IFF_UP) !== 0, carrier: link.carrier !== false, programs: readPrograms(link, netns), ...(driver === undefined ? {} : { driver }),
  };
}

/** Programs at the device. Those of other hooks (netfilter, cgroups) belong to no device. */
function readPrograms({ index, xdp }: Link, netns: string | undefined): UnderlayFacts['programs'] {
  const row = (attachType: number): number[] => quiet(() => inNetns(netns, () => queryPrograms(index, attachType)))?.programs.map(({ id }) => id) ?? [];
  const found = [
    ...(xdp?.programId === undefined ? [] : [{ hook: 'xdp', id: xdp.programId }]),
    ...row(bpf.BPF_TCX_INGRESS).map((id) => ({ hook: 'tcx ingress', id })), ...row(bpf.BPF_TCX_EGRESS).map((id) => ({ hook: 'tcx egress', id })),
  ];
  return found.map((program) => ({ ...program, name: quiet(() => programName(program.id)) ?? '?' }));
}

function programName(id: number): string | undefined {
  using fd = openById('program', id);
  return fd === undefined ? undefined : programInfo(fd).name;
}

/** Routes out of a device, without those to its own networks. */
const readRoutes = (netlink: NetlinkSocket, ifindex: number): RouteFacts[] => listRoutes(netlink, { oif: ifindex, type: rtnetlink.RTN_UNICAST }).items
  .filter(({ protocol, destination, gateway }) => protocol !== rtnetlink.RTPROT_KERNEL && (destination === undefined || !/^ff|^fe80/.test(destination) || gateway !== undefined))
  .map(({ destination, prefixLength, gateway }) => ({ prefix: destination === undefined ? 'default' : `${destination}/${prefixLength}`, ...(gateway === undefined ? {} : { gateway }) }));

const otherTunnels = (links: readonly Link[], own: Link): OtherTunnel[] => links.filter(({ kind, index }) => kind === 'vxlan' && index !== own.index)
  .map((link) => tunnelFacts(link, vxlanOf(link))).map(({ name, vni, port, up, ipv6, gbp, gpe }) => ({ name, port, up, ipv6, gbp, gpe, ...(vni === undefined ? {} : { vni }) }));

function bridgePort(link: Link, links: readonly Link[]): { bridgePort?: BridgePortFacts } {
  if (link.portKind !== 'bridge' || link.portData === undefined) return {};
  const { flood, multicastFlood, broadcastFlood } = decodePort('bridge', link.portData) as Record<string, boolean>;
  return { bridgePort: { bridge: nameAt(links, link.master) ?? '?', flood: flood !== false, multicastFlood: multicastFlood !== false, broadcastFlood: broadcastFlood !== false } };
}

/** Only a device that is down can have lost its port to somebody. */
function portHolder({ up, port }: TunnelFacts, netns: string | undefined): { portHolder?: { program: string; pid: number } } {
  if (up) return {};
  const inodes = ['udp', 'udp6'].flatMap((file) => boundInodes(readIn(netns, `/proc/thread-self/net/${file}`), port));
  const pid = inodes.length === 0 ? undefined : ownerOf(new Set(inodes.map((inode) => `socket:[${inode}]`)));
  return pid === undefined ? {} : { portHolder: { pid, program: readFileSync(`/proc/${pid}/comm`, 'utf8').trim() } };
}

function ownerOf(sockets: ReadonlySet<string>): number | undefined {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name));
  return pids.map(Number).find((pid) => (quiet(() => readdirSync(`/proc/${pid}/fd`)) ?? []).some((fd) => sockets.has(quiet(() => readlinkSync(`/proc/${pid}/fd/${fd}`)) ?? '')));
}

/** The kernel takes the stricter of the two. */
const readRpFilter = (device: string, netns: string | undefined): number =>
  Math.max(...['all', device].map((name) => Number(readIn(netns, `/proc/sys/net/ipv4/conf/${name}/rp_filter`))));

function offload(tunnel: string, underlay: string | undefined, netns: string | undefined): { offload?: OffloadFacts } {
  const own = quiet(() => readFeatures(tunnel, netns));
  const below = underlay === undefined ? undefined : quiet(() => readFeatures(underlay, netns));
  if (own === undefined) return {};
  return { offload: { tunnelChecksum: own.get('tx-checksum-ip-generic') === true, underlayTunnelChecksum: below?.get('tx-udp_tnl-csum-segmentation') === true } };
}

function readCounters(netlink: NetlinkSocket, tunnel: number, underlay: number | undefined, netns: string | undefined): Counters {
  const proc = (file: string): string => readIn(netns, `/proc/thread-self/net/${file}`);
  return {
    tunnel: plain(getLink(netlink, tunnel).statistics), underlay: underlay === undefined ? {} : plain(getLink(netlink, underlay).statistics),
    stack: { ...parseStack(proc('snmp')), ...parseStack(proc('netstat')), ...parseStack6(proc('snmp6')) },
  };
}

const plain = (statistics: LinkStatistics | undefined): Record<string, number> => Object.fromEntries(Object.entries(statistics ?? {}).map(([name, value]) => [name, Number(value)]));

/** A file of /proc as a namespace sees it; empty where it is not there. */
const readIn = (netns: string | undefined, path: string): string => inNetns(netns, () => quiet(() => readFileSync(path, 'utf8')) ?? '');

/** For what may be missing: a driver that says nothing, a process that ended, a kernel without IPv6. */
function quiet<T>(work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    if (error instanceof SluiceError || (error as NodeJS.ErrnoException).code !== undefined) return undefined;
    throw error;
  }
}
