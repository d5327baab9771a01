/** Routes. */

import { formatRouteMessage } from 'netlink/dist/rt/structs.js';
import { netlink, rtnetlink as rt, socket } from '../uapi/index.ts';
import { ipBytes, readIp } from './address.ts';
import { cString, encode, nest, type RawAttribute, u32, walk } from './attributes.ts';
import type { Request } from './message.ts';
import type { Dump, NetlinkSocket } from './socket.ts';

/** A route. `protocol` is RTPROT_*, `scope` RT_SCOPE_*, `type` RTN_*, `flags` RTM_F_* and RTNH_F_*. */
export interface Route {
  family: 4 | 6;
  /** Destination address; undefined for the default route. */
  destination: string | undefined;
  prefixLength: number;
  source: string | undefined;
  sourceLength: number;
  table: number;
  protocol: number;
  scope: number;
  type: number;
  flags: number;
  tos: number;
  /** Next hop, also one of the other family. */
  gateway: string | undefined;
  /** Index of the interface out. */
  oif: number | undefined;
  priority: number | undefined;
  preferredSource: string | undefined;
  /** Next hops of a route over several. */
  multipath: readonly RouteHop[] | undefined;
  nexthopId: number | undefined;
  mtu: number | undefined;
  /** LWTUNNEL_ENCAP_*, for a route that encapsulates. */
  encapType: number | undefined;
}

/** One of several next hops. `weight` counts from 1. */
export interface RouteHop {
  gateway: string | undefined;
  oif: number;
  weight: number;
  /** RTNH_F_*. */
  flags: number;
}

/** Which routes; the kernel does the choosing. */
export interface RouteFilter {
  family?: 4 | 6;
  table?: number;
  oif?: number;
  /** RTPROT_*. */
  protocol?: number;
  /** RTN_*. */
  type?: number;
}

/** Length of `struct rtmsg` and of `struct rtnexthop`. */
const RTMSG = 12;
const RTNEXTHOP = 8;

/** Routes of both families, or those that a filter names. */
export function listRoutes(netlinkSocket: NetlinkSocket, filter: RouteFilter = {}): Dump<Route> {
  if (filter.family === undefined) {
    // A dump of AF_UNSPEC takes no filter.
    const [four, six] = ([4, 6] as const).map((family) => listRoutes(netlinkSocket, { ...filter, family }));
    return { items: [...four!.items, ...six!.items], complete: four!.complete && six!.complete };
  }
  const header = routeHeader(filter.family);
  header.writeUInt8(filter.table !== undefined && filter.table < 256 ? filter.table : rt.RT_TABLE_UNSPEC, 4);
  header.writeUInt8(filter.protocol ?? rt.RTPROT_UNSPEC, 5);
  header.writeUInt8(filter.type ?? 0, 7);
  const attributes: RawAttribute[] = [];
  if (filter.table !== undefined) attributes.push([rt.RTA_TABLE, u32(filter.table)]);
  if (filter.oif !== undefined) attributes.push([rt.RTA_OIF, u32(filter.oif)]);
  return netlinkSocket.dump({ operation: 'RTM_GETROUTE', type: rt.RTM_GETROUTE, flags: 0, body: Buffer.concat([header, nest(attributes)]) }, readRoute);
}

function routeHeader(family: 4 | 6): Buffer {
  const header = Buffer.alloc(RTMSG);
  header.writeUInt8(family === 4 ? socket.AF_INET : socket.AF_INET6, 0);
  return header;
}

/**
 * The route that a packet to `destination` would take.
 *
 * @throws NetlinkError ENETUNREACH or EHOSTUNREACH when there is none.
 */
export function lookUpRoute(netlinkSocket: NetlinkSocket, destination: string, { source, oif, mark }: { source?: string; oif?: number; mark?: number } = {}): Route {
  const target = ipBytes(destination);
  const header = routeHeader(target.length === 4 ? 4 : 6);
  header.writeUInt8(target.length * 8, 1);
  // Without it an answer for IPv4 names the main table, whichever the route is from; for IPv6 it is refused, and not needed.
  if (target.length === 4) header.writeUInt32LE(rt.RTM_F_LOOKUP_TABLE, 8);
  const attributes: RawAttribute[] = [[rt.RTA_DST, target]];
  if (source !== undefined) {
    header.writeUInt8(target.length * 8, 2);
    attributes.push([rt.RTA_SRC, ipBytes(source)]);
  }
  if (oif !== undefined) attributes.push([rt.RTA_OIF, u32(oif)]);
  if (mark !== undefined) attributes.push([rt.RTA_MARK, u32(mark)]);
  const body = netlinkSocket.request({ operation: `RTM_GETROUTE ${destination}`, type: rt.RTM_GETROUTE, flags: 0, body: Buffer.concat([header, nest(attributes)]) })[0]!;
  return readRoute(body, 0, body.length)!;
}

/** Reads an RTM_NEWROUTE or RTM_DELROUTE body; undefined for a family that is not IP, and for entries of the route cache. */
export function readRoute(bytes: Buffer, start: number, end: number): Route | undefined {
  const family = bytes[start] === socket.AF_INET ? 4 : bytes[start] === socket.AF_INET6 ? 6 : undefined;
  if (family === undefined) return undefined;
  const route: Route = {
    family, destination: undefined, prefixLength: bytes[start + 1]!, source: undefined, sourceLength: bytes[start + 2]!, table: bytes[start + 4]!,
    protocol: bytes[start + 5]!, scope: bytes[start + 6]!, type: bytes[start + 7]!, flags: bytes.readUInt32LE(start + 8), tos: bytes[start + 3]!,
    gateway: undefined, oif: undefined, priority: undefined, preferredSource: undefined, multipath: undefined, nexthopId: undefined, mtu: undefined,
    encapType: undefined,
  };
  walk(bytes, start + RTMSG, end, (type, from, to) => readAttribute(route, bytes, type, from, to));
  return route;
}

function readAttribute(route: Route, bytes: Buffer, type: number, from: number, to: number): void {
  switch (type) {
    case rt.RTA_DST: route.destination = readIp(bytes, from, to); break;
    case rt.RTA_SRC: route.source = readIp(bytes, from, to); break;
    case rt.RTA_OIF: route.oif = bytes.readUInt32LE(from); break;
    case rt.RTA_GATEWAY: route.gateway = readIp(bytes, from, to); break;
    // struct rtvia: the family in two bytes, then the address.
    case rt.RTA_VIA: route.gateway = readIp(bytes, from + 2, to); break;
    case rt.RTA_PRIORITY: route.priority = bytes.readUInt32LE(from); break;
    case rt.RTA_PREFSRC: route.preferredSource = readIp(bytes, from, to); break;
    case rt.RTA_TABLE: route.table = bytes.readUInt32LE(from); break;
    case rt.RTA_NH_ID: route.nexthopId = bytes.readUInt32LE(from); break;
    case rt.RTA_ENCAP_TYPE: route.encapType = bytes.readUInt16LE(from); break;
    case rt.RTA_MULTIPATH: route.multipath = readHops(bytes, from, to); break;
    case rt.RTA_METRICS: walk(bytes, from, to, (metric, at) => {
      if (metric === rt.RTAX_MTU) route.mtu = bytes.readUInt32LE(at);
    }); break;
    default: break;
  }
}

function readHops(bytes: Buffer, from: number, to: number): RouteHop[] {
  const hops: RouteHop[] = [];
  for (let at = from; at + RTNEXTHOP <= to;) {
    const length = bytes.readUInt16LE(at);
    if (length < RTNEXTHOP) break;
    const hop: RouteHop = { gateway: undefined, oif: bytes.readInt32LE(at + 4), weight: bytes[at + 3]! + 1, flags: bytes[at + 2]! };
    walk(bytes, at + RTNEXTHOP, Math.min(at + length, to), (type, start, end) => {
      if (type === rt.RTA_GATEWAY) hop.gateway = readIp(bytes, start, end);
      if (type === rt.RTA_VIA) hop.gateway = readIp(bytes, start + 2, end);
    });
    hops.push(hop);
    at += (length + 3) & ~3;
  }
  return hops;
}

/** A route to write; what is absent is what `ip route` would take. */
export interface RouteSpec {
  /** Network address; `0.0.0.0` or `::` with length 0 is the default route. */
  destination: string;
  prefixLength: number;
  gateway?: string;
  oif?: number;
  priority?: number;
  preferredSource?: string;
  /** @default RT_TABLE_MAIN */
  table?: number;
  /** RTPROT_*. @default RTPROT_STATIC */
  protocol?: number;
  /** RTN_*. @default RTN_UNICAST */
  type?: number;
  /** RT_SCOPE_*. @default RT_SCOPE_LINK for IPv4 without a gateway, else RT_SCOPE_UNIVERSE */
  scope?: number;
  mtu?: number;
  /** What packets of the route go through: LWTUNNEL_ENCAP_* with its nested attributes. */
  encap?: { type: number; attributes: readonly RawAttribute[] };
  /** The gateway is a neighbour on `oif` whatever the addresses say. */
  onlink?: boolean;
}

/** Adds a route. Refused with EEXIST when there is one to the destination with that priority. */
export const addRoute = (spec: RouteSpec): Request => routeRequest('RTM_NEWROUTE', rt.RTM_NEWROUTE, netlink.NLM_F_CREATE | netlink.NLM_F_EXCL, spec);

/** Writes a route in the place of the one to the same destination with that priority. */
export const replaceRoute = (spec: RouteSpec): Request => routeRequest('RTM_NEWROUTE', rt.RTM_NEWROUTE, netlink.NLM_F_CREATE | netlink.NLM_F_REPLACE, spec);

/** Removes a route. Refused with ESRCH when there is none. */
export const deleteRoute = (spec: RouteSpec): Request => routeRequest('RTM_DELROUTE', rt.RTM_DELROUTE, 0, spec);

function routeRequest(name: string, type: number, flags: number, spec: RouteSpec): Request {
  const destination = ipBytes(spec.destination);
  const ipv4 = destination.length === 4;
  const table = spec.table ?? rt.RT_TABLE_MAIN;
  const scope = spec.scope ?? (ipv4 && spec.gateway === undefined && type === rt.RTM_NEWROUTE ? rt.RT_SCOPE_LINK : type === rt.RTM_NEWROUTE ? rt.RT_SCOPE_UNIVERSE : rt.RT_SCOPE_NOWHERE);
  const data = {
    family: ipv4 ? socket.AF_INET : socket.AF_INET6, dstLen: spec.prefixLength, table: table < 256 ? table : rt.RT_TABLE_UNSPEC, scope,
    protocol: spec.protocol ?? (type === rt.RTM_NEWROUTE ? rt.RTPROT_STATIC : rt.RTPROT_UNSPEC), type: spec.type ?? rt.RTN_UNICAST,
    ...(spec.onlink === true ? { flags: { __unknown: rt.RTNH_F_ONLINK } } : {}),
  };
  const attrs = {
    table,
    ...(spec.prefixLength === 0 ? {} : { dst: destination }),
    ...(spec.oif === undefined ? {} : { oif: spec.oif }),
    ...(spec.priority === undefined ? {} : { priority: spec.priority }),
    ...(spec.preferredSource === undefined ? {} : { prefsrc: ipBytes(spec.preferredSource) }),
  };
  const body = encode(formatRouteMessage, { kind: 'route' as const, data, attrs }, [...gatewayAttribute(spec, destination.length), ...metrics(spec), ...encapAttributes(spec)]);
  return { operation: `${name} ${spec.destination}/${spec.prefixLength}`, type, flags, body };
}

/** RTA_VIA where the gateway is of the other family. */
function gatewayAttribute({ gateway }: RouteSpec, length: number): RawAttribute[] {
  if (gateway === undefined) return [];
  const bytes = ipBytes(gateway);
  if (bytes.length === length) return [[rt.RTA_GATEWAY, bytes]];
  return [[rt.RTA_VIA, Buffer.concat([Buffer.from([bytes.length === 4 ? socket.AF_INET : socket.AF_INET6, 0]), bytes])]];
}

const metrics = ({ mtu }: RouteSpec): RawAttribute[] => (mtu === undefined ? [] : [[rt.RTA_METRICS, nest([[rt.RTAX_MTU, u32(mtu)]])]]);

const encapAttributes = ({ encap }: RouteSpec): RawAttribute[] =>
  (encap === undefined ? [] : [[rt.RTA_ENCAP, nest(encap.attributes)], [rt.RTA_ENCAP_TYPE, u32(encap.type).subarray(0, 2)]]);

/** LWTUNNEL_ENCAP_BPF of linux/lwtunnel.h, and LWT_BPF_* inside: the side, the descriptor, the name. */
const LWTUNNEL_ENCAP_BPF = 6;
const LWT_BPF = { in: 1, out: 2, xmit: 3 } as const;
const LWT_BPF_PROG_FD = 1;
const LWT_BPF_PROG_NAME = 2;

/** An encapsulation that runs a program on packets that come in (`in`), go out (`out`) or are sent (`xmit`) by the route. */
export const bpfEncap = (side: keyof typeof LWT_BPF, programFd: number, name: string): NonNullable<RouteSpec['encap']> =>
  ({ type: LWTUNNEL_ENCAP_BPF, attributes: [[LWT_BPF[side], nest([[LWT_BPF_PROG_FD, u32(programFd)], [LWT_BPF_PROG_NAME, cString(name)]])]] });
