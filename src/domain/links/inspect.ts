/** Interfaces as they are now. */

import { NetlinkError, NotFoundError } from '../../lib/errors.ts';
import { compareNatural, suggest } from '../../lib/text.ts';
import { decodeKind, decodePort, getLink, getWireguard, type IfAddress, type KindFacts, type Link, listAddresses, listLinkNames, listLinks, type NetlinkSocket, openNetlink, walk } from '../../kernel/netlink/index.ts';
import { ifLink, netDevice } from '../../kernel/uapi/index.ts';
import { reportCommand } from '../../tools/index.ts';
import type { InterfaceDetail, LinkRequest, NetworkInterface, OperState } from './model.ts';

const STATES: readonly OperState[] = ['unknown', 'notpresent', 'down', 'lowerlayerdown', 'testing', 'dormant', 'up'];
const XDP_MODES = ['none', 'driver', 'generic', 'offload', 'several'];
/** Length of `struct ifinfomsg`. */
const HEADER = 16;
const CHANGED_MEANWHILE = 'the kernel changed the table while it was read, several times in a row; entries may be missing or twice';

/** All interfaces of a namespace in natural order of their names. @throws SyscallError when it cannot be entered */
export async function listInterfaces({ netns, types }: LinkRequest = {}): Promise<{ items: NetworkInterface[]; complete: boolean; warnings: string[] }> {
  reportCommand(['ip', '-d', 'address', 'show'], netns?.path);
  using netlink = openNetlink({ netns });
  const links = listLinks(netlink);
  const addresses = listAddresses(netlink);
  const items = describeLinks(links.items, addresses.items).filter(({ type }) => types === undefined || types.includes(type));
  const complete = links.complete && addresses.complete;
  return { items: items.sort((a, b) => compareNatural(a.name, b.name)), complete, warnings: complete ? [] : [CHANGED_MEANWHILE] };
}

/** One interface by name or alternative name, with its counters. @throws NotFoundError SL6003 */
export async function getInterface(name: string, { netns }: LinkRequest = {}): Promise<InterfaceDetail> {
  reportCommand(['ip', '-d', '-s', 'address', 'show', 'dev', name], netns?.path);
  using netlink = openNetlink({ netns });
  const link = findLink(netlink, name);
  const names = listLinkNames(netlink);
  const described = describeLink(link, names, listAddresses(netlink, { ifindex: link.index }).items);
  const kind = link.kind === 'wireguard' ? { ...getWireguard(link.index, { netns }) } : described.kind;
  return { ...described, kind, statistics: link.statistics!, otherAttributes: otherAttributes(link.raw!) };
}

/** A link by name, for operations on it. @throws NotFoundError SL6003 with names that are near */
export function findLink(netlink: NetlinkSocket, name: string): Link {
  try {
    return getLink(netlink, name);
  } catch (error) {
    if (!(error instanceof NetlinkError) || (error.errnoName !== 'ENODEV' && error.errnoName !== 'ERANGE')) throw error;
    const near = suggest(name, listLinks(netlink).items.map((link) => link.name));
    throw new NotFoundError(`there is no interface ${name}`, { code: 'SL6003', ...(near.length === 0 ? {} : { causes: [`similar names: ${near.join(', ')}`] }), hints: ['sluice link list'] });
  }
}

/** Links with names in place of numbers; `addresses` may be those of more interfaces. */
export function describeLinks(links: readonly Link[], addresses: readonly IfAddress[]): NetworkInterface[] {
  const names = new Map(links.map(({ index, name }) => [index, name]));
  const byIndex = Map.groupBy(addresses, ({ ifindex }) => ifindex);
  return links.map((link) => describeLink(link, names, byIndex.get(link.index) ?? []));
}

function describeLink(link: Link, names: ReadonlyMap<number, string>, addresses: readonly IfAddress[]): NetworkInterface {
  const kind = link.kind === undefined || link.kindData === undefined ? {} : decodeKind(link.kind, link.kindData);
  return {
    index: link.index, name: link.name, type: typeOf(link), state: STATES[link.operstate] ?? 'unknown', flags: flagNames(link.flags), mtu: link.mtu,
    minMtu: link.minMtu, maxMtu: link.maxMtu === 0 ? undefined : link.maxMtu, mac: link.address === '' ? undefined : link.address, broadcast: link.broadcast,
    permanentMac: link.permanentAddress, addresses: addresses.map(({ local, prefixLength }) => `${local}/${prefixLength}`), master: nameOf(link.master, names),
    lower: lowerName(link, kind, names), lowerNetnsId: link.lowerNetnsId, alias: link.alias, altNames: link.altNames, qdisc: link.qdisc, txQueueLength: link.txQueueLength,
    group: link.group, promiscuity: link.promiscuity, carrierChanges: link.carrierChanges, xdp: describeXdp(link.xdp),
    kind, port: describePort(link),
  };
}

const describePort = ({ portKind, portData }: Link): NetworkInterface['port'] =>
  portKind === undefined || portData === undefined ? undefined : { kind: portKind, facts: decodePort(portKind, portData) };

const nameOf = (index: number | undefined, names: ReadonlyMap<number, string>): string | undefined =>
  index === undefined || index === 0 ? undefined : (names.get(index) ?? `if${index}`);

/** A number in another namespace names nothing here. A VXLAN device tells what it stands on among the facts of its kind. */
const lowerName = ({ lower, lowerNetnsId }: Link, kind: KindFacts, names: ReadonlyMap<number, string>): string | undefined =>
  lowerNetnsId === undefined ? nameOf(lower ?? (kind['lower'] as number | undefined), names) : nameOf(lower, new Map());

function describeXdp(xdp: Link['xdp']): NetworkInterface['xdp'] {
  return xdp === undefined ? undefined : { mode: XDP_MODES[xdp.mode] ?? String(xdp.mode), programId: xdp.programId };
}

function typeOf({ kind, hardwareType }: Link): string {
  if (kind !== undefined) return kind;
  if (hardwareType === netDevice.ARPHRD_LOOPBACK) return 'loopback';
  return hardwareType === netDevice.ARPHRD_ETHER ? 'ethernet' : `arphrd-${hardwareType}`;
}

const FLAGS = Object.entries(netDevice).filter(([name]) => name.startsWith('IFF_')).map(([name, bit]) => [name.slice(4), bit] as const);

const knownFlags = new Map<number, readonly string[]>();

/** Most interfaces have one of a few combinations. */
function flagNames(flags: number): readonly string[] {
  const names = knownFlags.get(flags) ?? FLAGS.filter(([, bit]) => (flags & bit) !== 0).map(([name]) => name);
  knownFlags.set(flags, names);
  return names;
}

/** What `readLink` makes something of. */
const KNOWN: ReadonlySet<number> = new Set(Object.entries(ifLink).filter(([name]) => /^IFLA_(?!INFO_|XDP_|VXLAN_)/.test(name)).map(([, number]) => number));

function otherAttributes(raw: Buffer): Record<string, string> {
  const others: Record<string, string> = {};
  walk(raw, HEADER, raw.length, (type, from, to) => {
    if (!KNOWN.has(type)) others[type] = raw.toString('hex', from, to);
  });
  return others;
}
