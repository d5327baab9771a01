/** Reads links, pods' ends of veths and tunnels, and measures paths. */

import { readdirSync } from 'node:fs';
import { getLink, type Link, listFdb, listLinks, listNeighbours, lookUpRoute, type Neighbour, netnsIdOf, type NetlinkSocket, openNetlink, readVxlan, type VxlanAttributes } from '../../../kernel/netlink/index.ts';
import { netnsInode } from '../../../kernel/netns/index.ts';
import { Fd } from '../../../kernel/syscalls/index.ts';
import { NetlinkError, OperationError, SluiceError } from '../../../lib/errors.ts';
import { parseAddress } from '../../../lib/ip.ts';
import { encapsulation, largestOverhead } from '../encapsulation.ts';
import { PLAIN } from '../overhead.ts';
import { measurePath } from '../path/inspect.ts';
import { judgeMtu } from './judge.ts';
import type { CheckedLink, CheckedPath, MtuReport } from './model.ts';

export interface MtuCheckRequest {
  /** Address to measure to; without one, to the remote VTEPs of all tunnels. */
  to?: string;
  netns?: { path: string; label: string };
  /** Told before each measurement. */
  progress: (what: string) => void;
}

/** Remote VTEPs that are measured to when no address is named. */
const MOST_REMOTES = 8;
const FLOOD_MAC = '00:00:00:00:00:00';

/**
 * Checks the MTUs of a node: of its links against each other, of paths by measuring, of pods against both.
 *
 * @throws OperationError SL6050 to SL6052 when the named address does not answer or cannot be reached.
 */
export async function checkMtu({ to, netns, progress }: MtuCheckRequest): Promise<MtuReport> {
  using netlink = openNetlink({ netns });
  const { items: links, complete } = listLinks(netlink);
  const node: Node = { netlink, links: new Map(links.map((link) => [link.index, link])), tunnels: [] };
  const checked = readLinks(node, netns?.path);
  const goals = to === undefined ? remotesOf(node) : [{ to }, ...underlayOf(node, to)];
  const paths: CheckedPath[] = [];
  for (const goal of goals) {
    progress(`measuring the way to ${goal.to}`);
    paths.push(await checkPath(node, goal, netns?.path, to === goal.to));
  }
  const facts = { links: checked, paths };
  const warnings = paths.flatMap(({ problem }) => problem ?? []);
  return { ...facts, findings: judgeMtu(facts), complete: complete && warnings.length === 0, warnings };
}

/** The links of the namespace that is checked. */
interface Node {
  netlink: NetlinkSocket;
  links: ReadonlyMap<number, Link>;
  /** Remotes of tunnels by the tunnel's name, filled while links are read. */
  tunnels: { name: string; index: number; vxlan: VxlanAttributes; remotes: string[] }[];
}

function readLinks(node: Node, netns: string | undefined): CheckedLink[] {
  const peers = readPeers(node, netns);
  return [...node.links.values()].map((link): CheckedLink => {
    const tunnel = link.kind === 'vxlan' ? readTunnel(node, link) : undefined;
    const master = link.master === undefined ? undefined : node.links.get(link.master)?.name;
    const peer = peers.get(link.index);
    return {
      name: link.name, ifindex: link.index, kind: link.kind ?? (link.name === 'lo' ? 'loopback' : 'device'), mtu: link.mtu,
      ...(tunnel === undefined ? {} : { tunnel }), ...(master === undefined ? {} : { master }), ...(peer === undefined ? {} : { peer }),
    };
  });
}

/** What carries a VXLAN device: the link that it names, or the one that the route to its first remote leaves by. */
function readTunnel(node: Node, link: Link): CheckedLink['tunnel'] {
  const vxlan = readVxlan(link.kindData ?? Buffer.alloc(0));
  const fdb = listFdb(node.netlink, { ifindex: link.index }).items.filter(isUnicast);
  const remotes = [...new Set([...fdb.flatMap(({ destination }) => destination ?? []), ...(vxlan.group === undefined || isMulticast(vxlan.group) ? [] : [vxlan.group])])];
  node.tunnels.push({ name: link.name, index: link.index, vxlan, remotes });
  const end = remotes[0] ?? vxlan.local ?? vxlan.group;
  const carrier = vxlan.lower === undefined ? egressOf(node, remotes[0]) : node.links.get(vxlan.lower);
  if (carrier === undefined || end === undefined) return undefined;
  const underlay = parseAddress(end)!.length === 1 ? 'ipv4' : 'ipv6';
  return { overhead: largestOverhead(encapsulation('vxlan', { ...PLAIN, underlay })), over: carrier.name, overMtu: carrier.mtu, df: vxlan.df ?? 'unset' };
}

/** Entries with a remote VTEP: a group is nowhere to measure to. */
const isUnicast = ({ destination }: Neighbour): boolean => destination !== undefined && !isMulticast(destination);

const isMulticast = (address: string): boolean => /^(22[4-9]|23\d)\.|^ff/i.test(address);

function egressOf({ netlink, links }: Node, to: string | undefined): Link | undefined {
  if (to === undefined) return undefined;
  try {
    const { oif } = lookUpRoute(netlink, to);
    return oif === undefined ? undefined : links.get(oif);
  } catch (error) {
    if (error instanceof NetlinkError) return undefined;
    throw error;
  }
}

interface Goal {
  to: string;
  carries?: string;
}

/** Remote VTEPs of all tunnels, a few of each when there are many. */
function remotesOf({ tunnels }: Node): Goal[] {
  return tunnels.flatMap(({ name, remotes }) => remotes.map((to) => ({ to, carries: name }))).slice(0, MOST_REMOTES);
}

/** The remote VTEP behind which an address is, when the way to it is a tunnel. */
function underlayOf(node: Node, to: string): Goal[] {
  const tunnel = node.tunnels.find(({ index }) => index === egressOf(node, to)?.index);
  if (tunnel === undefined) return [];
  const { gateway } = lookUpRoute(node.netlink, to);
  const hop = listNeighbours(node.netlink, { ifindex: tunnel.index }).items.find(({ destination }) => destination === (gateway ?? to));
  const fdb = listFdb(node.netlink, { ifindex: tunnel.index }).items.filter(isUnicast);
  const entry = fdb.find(({ lladdr }) => lladdr === hop?.lladdr) ?? fdb.find(({ lladdr }) => lladdr === FLOOD_MAC);
  return entry?.destination === undefined ? [] : [{ to: entry.destination, carries: tunnel.name }];
}

async function checkPath(node: Node, goal: Goal, netns: string | undefined, required: boolean): Promise<CheckedPath> {
  const egress = egressOf(node, goal.to);
  if (egress === undefined) return noRoute(goal, required);
  const path = { ...goal, egress: egress.name, egressMtu: egress.mtu, links: chain(node, egress) };
  try {
    return { ...path, measured: await measurePath({ to: goal.to, linkMtu: egress.mtu, ...(netns === undefined ? {} : { netns }) }) };
  } catch (error) {
    if (required || !(error instanceof SluiceError) || !error.code.startsWith('SL605')) throw error;
    return { ...path, problem: error.message };
  }
}

function noRoute(goal: Goal, required: boolean): CheckedPath {
  const problem = `there is no route to ${goal.to}`;
  if (required) throw new OperationError(problem, { code: 'SL6052', hints: [`ip route get ${goal.to}`] });
  return { ...goal, egress: '-', egressMtu: 0, links: [], problem };
}

/** The names of a link and of what carries it, down to the last one that is seen here. */
function chain(node: Node, link: Link, seen: ReadonlySet<number> = new Set()): string[] {
  if (seen.has(link.index)) return [];
  const tunnel = node.tunnels.find(({ index }) => index === link.index);
  const lowerIndex = tunnel?.vxlan.lower ?? (link.kind === 'veth' || link.lowerNetnsId !== undefined ? undefined : link.lower);
  const lower = lowerIndex === undefined ? egressOf(node, tunnel?.remotes[0]) : node.links.get(lowerIndex);
  return [link.name, ...(lower === undefined ? [] : chain(node, lower, new Set([...seen, link.index])))];
}

/** The other ends of veths whose namespace has a name or a process, by our end's index. */
function readPeers(node: Node, netns: string | undefined): Map<number, NonNullable<CheckedLink['peer']>> {
  const away = [...node.links.values()].filter(({ kind, lowerNetnsId }) => kind === 'veth' && lowerNetnsId !== undefined);
  const peers = new Map<number, NonNullable<CheckedLink['peer']>>();
  if (away.length === 0) return peers;
  for (const { path, label } of namespacesBeside(netnsInode(netns))) {
    const id = idOf(node.netlink, path);
    const ends = id === undefined ? [] : away.filter(({ lowerNetnsId }) => lowerNetnsId === id);
    if (ends.length === 0) continue;
    using there = openNetlink({ netns: { path } });
    for (const { index, lower } of ends) {
      const { name, mtu } = getLink(there, lower!);
      peers.set(index, { name, mtu, netns: label });
    }
  }
  return peers;
}

function idOf(netlink: NetlinkSocket, path: string): number | undefined {
  using fd = Fd.open(path);
  return netnsIdOf(netlink, fd.number);
}

/** Namespaces by name, and those that only processes are in. */
function namespacesBeside(own: number): { path: string; label: string }[] {
  const seen = new Set([own]);
  const named = namesIn('/run/netns').map((name) => ({ path: `/run/netns/${name}`, label: name }));
  const ofProcesses = namesIn('/proc').filter((name) => /^\d+$/.test(name)).map((pid) => ({ path: `/proc/${pid}/ns/net`, label: `/proc/${pid}/ns/net` }));
  return [...named, ...ofProcesses].filter(({ path }) => {
    const inode = inodeOrUndefined(path);
    if (inode === undefined || seen.has(inode)) return false;
    seen.add(inode);
    return true;
  });
}

/** A process may end, or a name go, while we look. */
function inodeOrUndefined(path: string): number | undefined {
  try {
    return netnsInode(path);
  } catch {
    return undefined;
  }
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch {
    return [];
  }
}
