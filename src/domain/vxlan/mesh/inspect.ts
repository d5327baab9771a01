/** The node as it is, in the terms of meshes. */

import { readFileSync } from 'node:fs';
import { text } from 'node:stream/consumers';
import { type Link, listAddresses, listFdb, listLinks, listNeighbours, listRoutes, type NetlinkSocket, readVxlan, type Route } from '../../../kernel/netlink/index.ts';
import { neighbour as nd, netDevice, rtnetlink } from '../../../kernel/uapi/index.ts';
import { OperationError } from '../../../lib/errors.ts';
import { given } from '../../../lib/members.ts';
import { isMulticast } from '../steps/native.ts';
import { isIpv6 } from '../underlay.ts';
import { RTPROT_SLUICE, type LiveTunnel, type RoutePair, type WantedTunnel } from './model.ts';

/** The text of a file, or of standard input for `-`. @throws OperationError SL1102 */
export async function readText(path: string): Promise<string> {
  try {
    // Not at once: while a pipe has nothing to give, an interruption and --timeout must still be heard.
    return path === '-' ? await text(process.stdin) : readFileSync(path, 'utf8');
  } catch (error) {
    throw new OperationError(`cannot read ${path}`, { code: 'SL1102', reason: 'usage', causes: [(error as Error).message], cause: error });
  }
}

/** Interfaces of a namespace and their addresses, read once. */
export class NodeState {
  readonly #netlink: NetlinkSocket;
  readonly #links: ReadonlyMap<string, Link>;
  readonly #names: ReadonlyMap<number, string>;
  /** Name of the interface by address. */
  readonly #owners: ReadonlyMap<string, string>;

  constructor(netlink: NetlinkSocket) {
    this.#netlink = netlink;
    const links = listLinks(netlink).items;
    this.#links = new Map(links.map((link) => [link.name, link]));
    this.#names = new Map(links.map(({ index, name }) => [index, name]));
    this.#owners = new Map(listAddresses(netlink).items.map(({ local, ifindex }) => [local, this.#names.get(ifindex) ?? '']));
  }

  /** All addresses of the node. */
  get addresses(): ReadonlySet<string> {
    return new Set(this.#owners.keys());
  }

  /** MTU of an interface, or of the one that has an address; undefined when there is none. */
  mtuOf({ device, address }: { device?: string | undefined; address?: string | undefined }): number | undefined {
    return this.#links.get(device ?? this.#owners.get(address ?? '') ?? '')?.mtu;
  }

  /** Another VXLAN device with the VNI, port and family of this one: the kernel allows one. */
  twinOf({ device, attributes }: WantedTunnel, leaving: readonly string[]): string | undefined {
    const twin = [...this.#links.values()].find(({ kind, name, kindData }) => {
      const other = kind === 'vxlan' && name !== device && !leaving.includes(name) ? readVxlan(kindData ?? Buffer.alloc(0)) : undefined;
      return other?.vni === attributes.vni && other?.port === attributes.port && isIpv6(other?.local ?? other?.group) === isIpv6(attributes.local ?? attributes.group);
    });
    return twin?.name;
  }

  /** Devices by the alias that sluice gave them. */
  devicesWith(isOurs: (alias: string) => boolean): string[] {
    return [...this.#links.values()].filter(({ alias }) => alias !== undefined && isOurs(alias)).map(({ name }) => name);
  }

  /** A device with everything that lasts on it; undefined when there is none. */
  read(device: string): LiveTunnel | undefined {
    const link = this.#links.get(device);
    if (link === undefined) return undefined;
    const { lower, ...attributes } = link.kind === 'vxlan' ? readVxlan(link.kindData ?? Buffer.alloc(0)) : {};
    return {
      kind: link.kind, up: (link.flags & netDevice.IFF_UP) !== 0, attributes, mtu: link.mtu, mac: link.address ?? '',
      addresses: listAddresses(this.#netlink, { ifindex: link.index }).items.filter(({ scope }) => scope !== rtnetlink.RT_SCOPE_LINK).map(({ local, prefixLength }) => `${local}/${prefixLength}`),
      fdb: listFdb(this.#netlink, { ifindex: link.index }).items.flatMap(({ ifindex, state, lladdr, destination }) =>
        (ifindex !== link.index || (state & nd.NUD_PERMANENT) === 0 || lladdr === undefined || destination === undefined || isMulticast(destination) ? [] : [{ mac: lladdr, destination }])),
      neighbours: listNeighbours(this.#netlink, { ifindex: link.index }).items.flatMap(({ state, lladdr, destination }) =>
        ((state & nd.NUD_PERMANENT) === 0 || lladdr === undefined || destination === undefined ? [] : [{ address: destination, mac: lladdr }])),
      routes: listRoutes(this.#netlink, { oif: link.index, protocol: RTPROT_SLUICE }).items.flatMap(toPair),
      ...given({ alias: link.alias, underlayDevice: this.#nameOf(lower), bridge: this.#nameOf(link.master) }),
    };
  }

  /** Routes of others in the main table to the same networks: the kernel would take ours for them. */
  foreignRoutes(destinations: ReadonlySet<string>): { destination: string; route: Route }[] {
    const routes = listRoutes(this.#netlink, { table: rtnetlink.RT_TABLE_MAIN }).items;
    return routes.filter(({ protocol, family, priority }) => protocol !== RTPROT_SLUICE && (priority === undefined || (family === 6 && priority === IPV6_METRIC)))
      .map((route) => ({ destination: `${route.destination ?? (route.family === 4 ? '0.0.0.0' : '::')}/${route.prefixLength}`, route }))
      .filter(({ destination }) => destinations.has(destination));
  }

  /** Name of an interface by number. */
  #nameOf(index: number | undefined): string | undefined {
    return index === undefined || index === 0 ? undefined : this.#names.get(index);
  }
}

/** Metric that an IPv6 route gets without one: IP6_RT_PRIO_USER. */
const IPV6_METRIC = 1024;

const toPair = ({ destination, prefixLength, gateway, family }: Route): RoutePair[] =>
  (gateway === undefined ? [] : [{ destination: `${destination ?? (family === 4 ? '0.0.0.0' : '::')}/${prefixLength}`, via: gateway }]);
