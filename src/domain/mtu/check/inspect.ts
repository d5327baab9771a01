/** Checks MTUs: reads links, pods' ends of veths and tunnels, and measures paths. */

import type { Link } from '../../../kernel/netlink/index.ts';
import { OperationError, SluiceError } from '../../../lib/errors.ts';
import { parseAddress } from '../../../lib/ip.ts';
import { encapsulation, largestOverhead } from '../encapsulation.ts';
import { PLAIN } from '../overhead.ts';
import { measurePath } from '../path/inspect.ts';
import { judgeMtu } from './judge.ts';
import type { CheckedLink, CheckedPath, MtuReport } from './model.ts';
import { Namespaces, type NetworkNode, type TunnelEnd } from './node/inspect.ts';

/** What to check. */
export interface MtuCheckRequest {
  /** Address to measure to; without one, to the remote VTEPs of all tunnels. */
  to?: string;
  netns?: { path: string; label: string };
  /** Told before each measurement. */
  progress: (what: string) => void;
}

/** Remote VTEPs that are measured to when no address is named. */
const MOST_REMOTES = 8;
/** Namespaces that a way may go through before it counts as a circle. */
const MOST_NAMESPACES = 8;

/**
 * Checks the MTUs of a node: of its links against each other, of paths by measuring, of pods against both.
 *
 * Where the way goes through a veth into another namespace that forwards it and can be seen, as from a pod to its node, it is
 * followed there.
 *
 * @throws OperationError SL6050 to SL6052 when the named address does not answer or cannot be reached.
 */
export async function checkMtu({ to, netns, progress }: MtuCheckRequest): Promise<MtuReport> {
  using namespaces = new Namespaces(netns);
  const { own } = namespaces;
  const goals = to === undefined ? remotesOf(own) : [{ to }, ...underlayOf(own, to)];
  const ways = goals.map((goal) => ({ goal, hops: followWay(namespaces, own, goal.to) }));
  const links = [...ownLinks(namespaces), ...foreignLinks(ways.flatMap(({ hops }) => hops))];
  const paths: CheckedPath[] = [];
  for (const { goal, hops } of ways) {
    progress(`measuring the way to ${goal.to}`);
    paths.push(await checkPath(goal, hops, netns?.path, to === goal.to));
  }
  const facts = { links, paths };
  const warnings = paths.flatMap(({ problem }) => problem ?? []);
  return { ...facts, findings: judgeMtu(facts), complete: own.complete && warnings.length === 0, warnings };
}

interface Goal {
  to: string;
  carries?: string;
}

/** Remote VTEPs of all tunnels, a few when there are many. */
const remotesOf = ({ tunnels }: NetworkNode): Goal[] =>
  tunnels.flatMap(({ link, remotes }) => remotes.map((to) => ({ to, carries: link.name }))).slice(0, MOST_REMOTES);

/** The remote VTEP behind which an address is, when the way to it is a tunnel. */
function underlayOf(node: NetworkNode, to: string): Goal[] {
  const egress = node.egress(to);
  const tunnel = egress === undefined ? undefined : node.tunnelOf(egress);
  const remote = tunnel === undefined ? undefined : node.remoteFor(tunnel, to);
  return remote === undefined ? [] : [{ to: remote, carries: tunnel!.link.name }];
}

/** A link on the way, in the namespace where it is. */
interface Hop {
  node: NetworkNode;
  link: Link;
}

/** The links that a packet passes, down through tunnels, and on through namespaces that forward it. */
function followWay(namespaces: Namespaces, node: NetworkNode, to: string, left = MOST_NAMESPACES): Hop[] {
  const egress = node.egress(to);
  if (egress === undefined || left === 0) return [];
  const { links, destination } = descend(node, egress, to);
  const hops = links.map((link) => ({ node, link }));
  const next = namespaces.behind(node, links.at(-1)!);
  const nextHop = node.route(destination)?.gateway ?? destination;
  // Only a namespace that has the next hop forwards the packet; any other is a switch to it, or its destination.
  if (next === undefined || nextHop === destination || !next.node.addresses.has(nextHop)) return hops;
  return [...hops, next, ...followWay(namespaces, next.node, destination, left - 1)];
}

/** A link with what carries it, and the destination that packets have at the bottom. */
function descend(node: NetworkNode, link: Link, to: string, seen: readonly number[] = []): { links: Link[]; destination: string } {
  const tunnel = node.tunnelOf(link);
  const destination = tunnel === undefined ? to : (node.remoteFor(tunnel, to) ?? tunnel.remotes[0] ?? to);
  const lower = tunnel === undefined ? lowerOf(node, link) : carrierOf(node, tunnel, destination);
  if (lower === undefined || seen.includes(lower.index) || lower.index === link.index) return { links: [link], destination };
  const below = descend(node, lower, destination, [...seen, link.index]);
  return { links: [link, ...below.links], destination: below.destination };
}

const lowerOf = ({ links }: NetworkNode, { kind, lower, lowerNetnsId }: Link): Link | undefined =>
  kind === 'veth' || lowerNetnsId !== undefined || lower === undefined ? undefined : links.get(lower);

/** The link that a tunnel is bound to, or that the route to a remote leaves by. */
const carrierOf = (node: NetworkNode, { vxlan }: TunnelEnd, remote: string | undefined): Link | undefined =>
  vxlan.lower === undefined ? (remote === undefined ? undefined : node.egress(remote)) : node.links.get(vxlan.lower);

function ownLinks(namespaces: Namespaces): CheckedLink[] {
  const { own } = namespaces;
  return [...own.links.values()].map((link): CheckedLink => {
    const other = namespaces.behind(own, link);
    const peer = other === undefined ? {} : { peer: { name: other.link.name, mtu: other.link.mtu, netns: other.node.label ?? '' } };
    return { ...describe({ node: own, link }), ...peer };
  });
}

/** Links on the way in other namespaces, each once. */
function foreignLinks(hops: readonly Hop[]): CheckedLink[] {
  const foreign = hops.filter(({ node }) => node.label !== undefined).map(describe);
  return [...new Map(foreign.map((link) => [`${link.netns}/${link.name}`, link])).values()];
}

function describe({ node, link }: Hop): CheckedLink {
  const tunnel = describeTunnel(node, link);
  const master = link.master === undefined ? undefined : node.links.get(link.master)?.name;
  return {
    name: link.name, ifindex: link.index, kind: link.kind ?? (link.name === 'lo' ? 'loopback' : 'device'), mtu: link.mtu,
    ...(node.label === undefined ? {} : { netns: node.label }), ...(tunnel === undefined ? {} : { tunnel }), ...(master === undefined ? {} : { master }),
  };
}

function describeTunnel(node: NetworkNode, link: Link): CheckedLink['tunnel'] {
  const tunnel = node.tunnelOf(link);
  if (tunnel === undefined) return undefined;
  const { vxlan, remotes } = tunnel;
  const end = remotes[0] ?? vxlan.local ?? vxlan.group;
  const carrier = carrierOf(node, tunnel, remotes[0]);
  if (carrier === undefined || end === undefined) return undefined;
  const underlay = parseAddress(end)!.length === 1 ? 'ipv4' : 'ipv6';
  return { overhead: largestOverhead(encapsulation('vxlan', { ...PLAIN, underlay })), over: carrier.name, overMtu: carrier.mtu, df: vxlan.df ?? 'unset' };
}

const nameOf = ({ node, link }: Hop): string => (node.label === undefined ? link.name : `${node.label}/${link.name}`);

async function checkPath(goal: Goal, hops: readonly Hop[], netns: string | undefined, required: boolean): Promise<CheckedPath> {
  const egress = hops[0]?.link;
  if (egress === undefined) return noRoute(goal, required);
  const path = { ...goal, egress: egress.name, egressMtu: egress.mtu, links: hops.map(nameOf) };
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
