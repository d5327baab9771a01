/** Tunnels as they are now. */

import { type Link, listAddresses, listFdb, listLinks, listVnis, type Neighbour, openNetlink, type VxlanAttributes } from '../../kernel/netlink/index.ts';
import { NotFoundError, UsageError } from '../../lib/errors.ts';
import { compareNatural, suggest } from '../../lib/text.ts';
import { reportCommand } from '../../tools/index.ts';
import { describeLinks, findLink } from '../links/index.ts';
import { describeFdb } from './fdb/inspect.ts';
import { NexthopLookup } from './fdb/nexthops/inspect.ts';
import { findIssues } from './issues.ts';
import { FLOOD_MAC, type NodeView, type Tunnel, type TunnelDetail } from './model.ts';
import { ownerOf } from './owner.ts';
import { isMulticast } from './steps/native.ts';
import { type InterfaceLookup, lookUpBy } from './underlay.ts';

/** Where to look. */
export interface Scope {
  netns?: { path: string; label: string };
}

const CHANGED_MEANWHILE = 'the kernel changed the tables while they were read, several times in a row; entries may be missing or twice';

/** All VXLAN devices of a namespace in natural order of their names. @throws SyscallError when it cannot be entered */
export async function listTunnels(scope: Scope = {}): Promise<{ items: Tunnel[]; complete: boolean; warnings: readonly string[] }> {
  const { tunnels, complete, warnings } = await viewNode(scope);
  return { items: [...tunnels], complete, warnings };
}

/** One tunnel with its forwarding database. @throws NotFoundError SL6003, SL6007 for no such interface, or one of another kind */
export async function getTunnel(name: string, { netns }: Scope = {}): Promise<TunnelDetail> {
  reportCommand(['ip', '-d', 'link', 'show', 'dev', name], netns?.path);
  reportCommand(['bridge', 'fdb', 'show', 'dev', name], netns?.path);
  using netlink = openNetlink({ netns });
  const { index, kind } = findLink(netlink, name);
  if (kind !== 'vxlan') throw notVxlan(name, kind, listLinks(netlink, { kind: 'vxlan' }).items);
  const links = listLinks(netlink).items;
  const interfaces = describeLinks(links, listAddresses(netlink).items);
  const fdb = listFdb(netlink, { ifindex: index }).items.filter((entry) => entry.ifindex === index);
  const link = links.find((other) => other.index === index)!;
  const names = new Map(links.map((other) => [other.index, other.name]));
  const [lookup, nexthops] = [lookUpBy(interfaces), new NexthopLookup(netns)];
  const tunnel = describeTunnel(link, lookup, fdb, nexthops);
  const vnis = tunnel.attributes.vniFilter === true ? listVnis(netlink, index).items : [];
  return { ...tunnel, interface: lookup.byIndex.get(index)!, fdb: describeFdb(fdb, names, nexthops), vnis };
}

/** Interfaces and tunnels of a namespace, for plans and checks. */
export async function viewNode({ netns }: Scope = {}): Promise<NodeView> {
  reportCommand(['ip', '-d', 'link', 'show', 'type', 'vxlan'], netns?.path);
  reportCommand(['bridge', 'fdb', 'show'], netns?.path);
  using netlink = openNetlink({ netns });
  const [links, addresses, fdb] = [listLinks(netlink), listAddresses(netlink), listFdb(netlink)];
  const interfaces = describeLinks(links.items, addresses.items);
  const [lookup, nexthops] = [lookUpBy(interfaces), new NexthopLookup(netns)];
  const byDevice = Map.groupBy(fdb.items, ({ ifindex }) => ifindex);
  const tunnels = links.items.filter(({ kind }) => kind === 'vxlan').map((link) => describeTunnel(link, lookup, byDevice.get(link.index) ?? [], nexthops));
  const complete = links.complete && addresses.complete && fdb.complete;
  return { interfaces, tunnels: tunnels.sort((a, b) => compareNatural(a.name, b.name)), complete, warnings: complete ? [] : [CHANGED_MEANWHILE] };
}

function describeTunnel(link: Link, lookup: InterfaceLookup, fdb: readonly Neighbour[], nexthops: NexthopLookup): Tunnel {
  const own = lookup.byIndex.get(link.index)!;
  const attributes = own.kind as VxlanAttributes;
  const underlay = attributes.lower === undefined ? undefined : lookup.byIndex.get(attributes.lower);
  const remotes = fdb.filter(({ lladdr, destination }) => lladdr === FLOOD_MAC && destination !== undefined && !isMulticast(destination)).map(({ destination }) => destination!);
  const ends = fdb.flatMap(({ destination, nexthopId }) => (destination === undefined ? (nexthops.addressesOf(nexthopId) ?? []) : [destination]));
  const peers = new Set(ends.filter((end) => !isMulticast(end)));
  const tunnel = {
    name: link.name, index: link.index, vni: attributes.vni ?? 0, port: attributes.port ?? 0, mtu: link.mtu, addresses: own.addresses,
    state: own.flags.includes('UP') ? 'up' as const : 'down' as const, owner: ownerOf(link.name, link.alias), remotes, peers: peers.size, entries: fdb.length, attributes,
    local: attributes.local, group: isMulticast(attributes.group) ? attributes.group : undefined, underlay: underlay?.name, mac: link.address, master: own.master, alias: link.alias,
  };
  return { ...tunnel, issues: findIssues(tunnel, lookup) };
}

function notVxlan(name: string, kind: string | undefined, tunnels: readonly Link[]): Error {
  const names = tunnels.map((tunnel) => tunnel.name);
  const near = suggest(name, names);
  const hints = near.length > 0 ? near.map((one) => `sluice vxlan get ${one}`) : ['sluice vxlan list'];
  return new UsageError(`${name} is no VXLAN device but ${kind ?? 'hardware'}`, { code: 'SL6008', hints: [...hints, `sluice link get ${name}`] });
}

/** A tunnel by name in a view. @throws NotFoundError SL6007 */
export function findTunnel(view: NodeView, name: string): Tunnel {
  const found = view.tunnels.find((tunnel) => tunnel.name === name);
  if (found !== undefined) return found;
  const near = suggest(name, view.tunnels.map((tunnel) => tunnel.name));
  throw new NotFoundError(`there is no tunnel ${name}`, { code: 'SL6007', ...(near.length === 0 ? {} : { causes: [`similar names: ${near.join(', ')}`] }), hints: ['sluice vxlan list'] });
}
