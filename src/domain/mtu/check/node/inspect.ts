/** Namespaces as far as MTUs go: their links, what carries their tunnels, and the namespaces at the other ends of their veths. */

import { readdirSync } from 'node:fs';
import { type Link, listAddresses, listFdb, listLinks, listNeighbours, lookUpRoute, type Neighbour, netnsIdOf, type NetlinkSocket, openNetlink, readVxlan, type Route, type VxlanAttributes } from '../../../../kernel/netlink/index.ts';
import { netnsInode } from '../../../../kernel/netns/index.ts';
import { Fd } from '../../../../kernel/syscalls/index.ts';
import { NetlinkError } from '../../../../lib/errors.ts';

const FLOOD_MAC = '00:00:00:00:00:00';

/** A VXLAN device and the remote VTEPs that it knows. */
export interface TunnelEnd {
  link: Link;
  vxlan: VxlanAttributes;
  remotes: readonly string[];
}

/** One network namespace. */
export class NetworkNode {
  /** What it is called; undefined for the one that is checked. */
  readonly label: string | undefined;
  readonly netlink: NetlinkSocket;
  readonly links: ReadonlyMap<number, Link>;
  /** False when the kernel changed its table while it was read. */
  readonly complete: boolean;
  #tunnels: readonly TunnelEnd[] | undefined;
  #addresses: ReadonlySet<string> | undefined;

  constructor(netlink: NetlinkSocket, label: string | undefined) {
    const { items, complete } = listLinks(netlink);
    [this.netlink, this.label, this.complete] = [netlink, label, complete];
    this.links = new Map(items.map((link) => [link.index, link]));
  }

  get tunnels(): readonly TunnelEnd[] {
    this.#tunnels ??= [...this.links.values()].filter(({ kind }) => kind === 'vxlan').map((link) => this.#readTunnel(link));
    return this.#tunnels;
  }

  get addresses(): ReadonlySet<string> {
    this.#addresses ??= new Set(listAddresses(this.netlink).items.map(({ local }) => local));
    return this.#addresses;
  }

  tunnelOf(link: Link): TunnelEnd | undefined {
    return this.tunnels.find((tunnel) => tunnel.link.index === link.index);
  }

  /** The route to an address; undefined when there is none. */
  route(to: string): Route | undefined {
    try {
      return lookUpRoute(this.netlink, to);
    } catch (error) {
      if (error instanceof NetlinkError) return undefined;
      throw error;
    }
  }

  /** The link that packets to an address leave by. */
  egress(to: string): Link | undefined {
    const oif = this.route(to)?.oif;
    return oif === undefined ? undefined : this.links.get(oif);
  }

  /** The remote VTEP that frames to an address go to, when the way there is a tunnel. */
  remoteFor({ link }: TunnelEnd, to: string): string | undefined {
    const hop = this.route(to)?.gateway ?? to;
    const mac = listNeighbours(this.netlink, { ifindex: link.index }).items.find(({ destination }) => destination === hop)?.lladdr;
    const fdb = this.#fdb(link);
    return (fdb.find(({ lladdr }) => lladdr === mac) ?? fdb.find(({ lladdr }) => lladdr === FLOOD_MAC))?.destination;
  }

  #readTunnel(link: Link): TunnelEnd {
    const vxlan = readVxlan(link.kindData ?? Buffer.alloc(0));
    const single = vxlan.group === undefined || isMulticast(vxlan.group) ? [] : [vxlan.group];
    return { link, vxlan, remotes: [...new Set([...this.#fdb(link).map(({ destination }) => destination!), ...single])] };
  }

  /** Entries with a remote VTEP: a group is nowhere to measure to. */
  #fdb({ index }: Link): Neighbour[] {
    return listFdb(this.netlink, { ifindex: index }).items.filter(({ destination }) => destination !== undefined && !isMulticast(destination));
  }
}

const isMulticast = (address: string): boolean => /^(22[4-9]|23\d)\.|^ff/i.test(address);

/** Where a namespace can be entered, and what it is called. */
interface Place {
  path: string;
  label: string;
}

/** The namespaces that can be seen from here, each opened once and when it is needed; closed with `using`. */
export class Namespaces implements Disposable {
  readonly #sockets = new DisposableStack();
  readonly #nodes = new Map<string, NetworkNode>();
  /** Places by the number that a namespace knows them by. */
  readonly #numbers = new Map<NetworkNode, ReadonlyMap<number, Place>>();
  readonly #beside: readonly Place[];
  /** The one that is checked. */
  readonly own: NetworkNode;

  constructor(netns: { path: string } | undefined) {
    this.own = new NetworkNode(this.#sockets.use(openNetlink({ netns })), undefined);
    this.#beside = namespacesBeside(netnsInode(netns?.path));
  }

  /** The namespace at the other end of a veth, and that end; undefined where neither a name nor a process leads there. */
  behind(node: NetworkNode, { kind, lower, lowerNetnsId }: Link): { node: NetworkNode; link: Link } | undefined {
    if (kind !== 'veth' || lower === undefined || lowerNetnsId === undefined) return undefined;
    const there = this.#numbered(node).get(lowerNetnsId);
    const other = there === undefined ? undefined : this.#open(there);
    const link = other?.links.get(lower);
    return other === undefined || link === undefined ? undefined : { node: other, link };
  }

  #numbered(node: NetworkNode): ReadonlyMap<number, Place> {
    const known = this.#numbers.get(node) ?? new Map(this.#beside.flatMap((place) => {
      const id = idOf(node.netlink, place.path);
      return id === undefined ? [] : [[id, place] as const];
    }));
    this.#numbers.set(node, known);
    return known;
  }

  #open({ path, label }: Place): NetworkNode {
    const known = this.#nodes.get(path) ?? new NetworkNode(this.#sockets.use(openNetlink({ netns: { path } })), label);
    this.#nodes.set(path, known);
    return known;
  }

  [Symbol.dispose](): void {
    this.#sockets.dispose();
  }
}

/** A namespace that went meanwhile has no id. */
function idOf(netlink: NetlinkSocket, path: string): number | undefined {
  try {
    using fd = Fd.open(path);
    return netnsIdOf(netlink, fd.number);
  } catch {
    return undefined;
  }
}

/** Namespaces by name, and those that only processes are in. */
function namespacesBeside(own: number): Place[] {
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
