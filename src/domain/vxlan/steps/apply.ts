/** Carries steps out through netlink. */

import {
  addAddress, addFdb, addVnis, changeBridgePort, changeLink, createLink, deleteAddress, deleteFdb, deleteLink, deleteNeighbour, deleteRoute, type FdbSpec, getLink, listLinks, type NetlinkSocket, replaceNeighbour,
  replaceRoute, type Request, type RouteSpec, vxlanData,
} from '../../../kernel/netlink/index.ts';
import { neighbour as nd } from '../../../kernel/uapi/index.ts';
import { NetlinkError, NotFoundError } from '../../../lib/errors.ts';
import { given } from '../../../lib/members.ts';
import type { FdbEntry, Lifetime } from '../fdb/model.ts';
import type { DeviceSpec, RouteEntry, Step } from './model.ts';

/**
 * Carries steps out in order, thousands in few system calls.
 *
 * Taking away what is not there is no error: it is as wanted.
 *
 * @throws NetlinkError the first refusal; the steps before it, and those of its batch, are carried out
 */
export function runSteps(netlink: NetlinkSocket, steps: readonly Step[]): void {
  const indexes = new Indexes(netlink);
  for (const group of groupSteps(steps)) {
    const requests = group.map((step) => requestOf(step, indexes));
    const [first, ...others] = netlink.tryAll(requests).filter(({ index, error }) => !isGone(group[index]!, error));
    if (first !== undefined) throw first.error.withOthers(others.slice(0, 5).map(({ error }) => error.message));
  }
}

/** Making a device and taking it away each stand alone: what follows needs its number. */
function groupSteps(steps: readonly Step[]): Step[][] {
  const groups: Step[][] = [];
  let open: Step[] | undefined;
  for (const step of steps) {
    const alone = step.do === 'create-tunnel' || step.do === 'delete-link';
    if (open === undefined || alone) groups.push((open = []));
    open.push(step);
    if (alone) open = undefined;
  }
  return groups;
}

const GONE = ['ENOENT', 'ENODEV', 'ESRCH', 'EADDRNOTAVAIL'];

const isGone = (step: Step, error: NetlinkError): boolean => step.do.includes('delete') && GONE.includes(error.errnoName);

/** Numbers of interfaces by name, asked for once each. */
class Indexes {
  readonly #known = new Map<string, number>();
  readonly #netlink: NetlinkSocket;

  constructor(netlink: NetlinkSocket) {
    this.#netlink = netlink;
  }

  of(name: string): number {
    const known = this.#known.get(name) ?? this.#ask(name);
    this.#known.set(name, known);
    return known;
  }

  /** The number of an interface that goes: another one of this name has another. */
  take(name: string): number {
    const index = this.of(name);
    this.#known.delete(name);
    return index;
  }

  #ask(name: string): number {
    try {
      return getLink(this.#netlink, name).index;
    } catch (error) {
      if (!(error instanceof NetlinkError) || error.errnoName !== 'ENODEV') throw error;
      const names = listLinks(this.#netlink).items.map((link) => link.name);
      throw new NotFoundError(`there is no interface ${name}`, { code: 'SL6003', causes: [`there are ${names.slice(0, 20).join(', ')}`], hints: ['sluice link list'] });
    }
  }
}

function requestOf(step: Step, indexes: Indexes): Request {
  switch (step.do) {
    case 'create-tunnel': return createTunnelLink(step.device, indexes);
    case 'delete-link': return deleteLink(indexes.take(step.device), step.device);
    case 'set-link': return changeLink(indexes.of(step.device), step.device, given({ mtu: step.mtu, address: step.mac, up: step.up, alias: step.alias, master: masterOf(step.master, indexes) }));
    case 'add-vnis': return addVnis(indexes.of(step.device), step.device, step.range);
    case 'set-port': return changeBridgePort(indexes.of(step.device), step.device, step.switches);
    case 'add-address': return addAddress({ ifindex: indexes.of(step.device), ...splitPrefix(step.address), nodad: true }, step.device);
    case 'delete-address': return deleteAddress({ ifindex: indexes.of(step.device), ...splitPrefix(step.address) }, step.device);
    case 'fdb-create': case 'fdb-append': case 'fdb-replace': return addFdb(fdbSpec(step.entry, indexes), FDB_MODES[step.do], step.entry.device);
    case 'fdb-delete': return deleteFdb(fdbSpec(step.entry, indexes), step.entry.device);
    case 'neighbour-replace': return replaceNeighbour({ ifindex: indexes.of(step.device), destination: step.address, ...given({ lladdr: step.mac }) }, step.device);
    case 'neighbour-delete': return deleteNeighbour({ ifindex: indexes.of(step.device), destination: step.address }, step.device);
    case 'route-replace': return replaceRoute(routeSpec(step.route, indexes));
    case 'route-delete': return deleteRoute(routeSpec(step.route, indexes));
  }
}

const FDB_MODES = { 'fdb-create': 'create', 'fdb-append': 'append', 'fdb-replace': 'replace' } as const;
const STATES: Readonly<Record<Lifetime, number>> = { permanent: nd.NUD_NOARP | nd.NUD_PERMANENT, static: nd.NUD_NOARP | nd.NUD_REACHABLE, dynamic: nd.NUD_REACHABLE };

const masterOf = (master: string | undefined, indexes: Indexes): number | undefined => (master === undefined ? undefined : master === '' ? 0 : indexes.of(master));

function createTunnelLink({ name, attributes, underlay, mtu, mac, master }: DeviceSpec, indexes: Indexes): Request {
  const data = vxlanData({ ...attributes, ...given({ lower: underlay === undefined ? undefined : indexes.of(underlay) }) });
  return createLink({ name, kind: 'vxlan', data, ...given({ mtu, address: mac, master: masterOf(master, indexes) }) });
}

function fdbSpec({ device, mac, destination, port, vni, sourceVni, via, nexthopId, vlan, table, lifetime, sticky }: FdbEntry, indexes: Indexes): FdbSpec {
  return {
    ifindex: indexes.of(device), lladdr: mac, state: STATES[lifetime], flags: (table === 'self' ? nd.NTF_SELF : nd.NTF_MASTER) | (sticky ? nd.NTF_STICKY : 0),
    ...given({ destination, port, vni, sourceVni, nexthopId, vlan, via: via === undefined ? undefined : indexes.of(via) }),
  };
}

function routeSpec({ destination, device, via, metric, source, ...rest }: RouteEntry, indexes: Indexes): RouteSpec {
  const { address, prefixLength } = splitPrefix(destination);
  return { destination: address, prefixLength, oif: indexes.of(device), ...given({ gateway: via, priority: metric, preferredSource: source, ...rest }) };
}

function splitPrefix(prefix: string): { address: string; prefixLength: number } {
  const [address = '', length] = prefix.split('/');
  return { address, prefixLength: length === undefined ? (address.includes(':') ? 128 : 32) : Number(length) };
}
