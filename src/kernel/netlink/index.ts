/**
 * Netlink: a socket that tells everything the kernel says, and rtnetlink objects on it.
 *
 * Requests are values (`createLink(…)`, `addFdb(…)`), sent one by one with `request` or by the thousand with `runAll` and
 * `tryAll`; tables are read with the `list…` functions.
 */

export { walk } from './attributes.ts';
export { type AddressSpec, addAddress, deleteAddress, type IfAddress, listAddresses, readAddress } from './ip-address.ts';
export { changeBridgePort, changeLink, createLink, deleteLink, type LinkChange, type LinkSpec } from './link-request.ts';
export { getLink, type Link, type LinkFilter, type LinkStatistics, listLinkNames, listLinks, readLink } from './link.ts';
export { decodeKind, decodePort, type KindFacts } from './kind/index.ts';
export { readVxlan, type VxlanAttributes, vxlanData } from './kind/vxlan.ts';
export type { Request } from './message.ts';
export { type Monitor, type MonitorEvents, openMonitor } from './monitor.ts';
export { addFdb, deleteFdb, deleteNeighbour, type FdbFilter, type FdbMode, type FdbSpec, listFdb, listNeighbours, type Neighbour, type NeighbourSpec, readFdb, readNeighbour, replaceNeighbour } from './neighbour.ts';
export { netnsIdOf } from './netns-id.ts';
export { deleteNexthop, listNexthops, type Nexthop, type NexthopSpec, replaceNexthop } from './nexthop.ts';
export { addRoute, bpfEncap, deleteRoute, listRoutes, lookUpRoute, readRoute, replaceRoute, type Route, type RouteFilter, type RouteHop, type RouteSpec } from './route.ts';
export { type Dump, type NetlinkOptions, NetlinkSocket, openNetlink, type Refusal } from './socket.ts';
export { detachXdp } from './xdp.ts';
export { addBpfFilter, addClsact, type BpfFilterSpec, type ClsactHook, deleteBpfFilter, listFilters, listQdiscs, type Qdisc, type TcFilter } from './traffic-control.ts';
export { findFamily } from './generic.ts';
export { getWireguard, type WireguardFacts, type WireguardPeer } from './wireguard.ts';
export { addVnis, listVnis, type VniRange } from './vni-filter.ts';
