/** Requests that make, change and remove interfaces. */

import { formatLinkMessage, type LinkMessage } from 'netlink/dist/rt/structs.js';
import { netDevice, netlink, rtnetlink, ifLink } from '../uapi/index.ts';
import { macBytes } from './address.ts';
import { cString, encode, nest, type RawAttribute, u32 } from './attributes.ts';
import { bridgePortData } from './kind/bridge.ts';
import type { Request } from './message.ts';

/** An interface to make. */
export interface LinkSpec {
  name: string;
  kind: string;
  /** IFLA_INFO_DATA, such as `vxlanData` makes. */
  data?: Buffer;
  mtu?: number;
  /** Hardware address with colons. */
  address?: string;
  /** Index of the interface below. */
  lower?: number;
  /** Index of a bridge or VRF. */
  master?: number;
  up?: boolean;
}

/** What to change of an interface; absent members stay as they are. */
export interface LinkChange {
  up?: boolean;
  mtu?: number;
  address?: string;
  /** Index of a bridge or VRF; 0 takes it out. */
  master?: number;
  name?: string;
  alias?: string;
  /** Descriptor of the network namespace that it moves to. */
  netnsFd?: number;
}

/**
 * Makes an interface.
 *
 * Refused with EEXIST when the name is taken, EOPNOTSUPP when the kernel does not know the kind, EPERM without CAP_NET_ADMIN.
 *
 * @kernel linux/if_link.h; net/core/rtnetlink.c rtnl_newlink
 */
export function createLink(spec: LinkSpec): Request {
  const data: RawAttribute[] = spec.data === undefined ? [] : [[ifLink.IFLA_INFO_DATA, spec.data]];
  const { kind, lower, up, ...plain } = spec;
  return linkRequest(`RTM_NEWLINK ${spec.name}`, netlink.NLM_F_CREATE | netlink.NLM_F_EXCL, upFlags(up), {
    ifname: plain.name,
    linkinfo: nest([[ifLink.IFLA_INFO_KIND, cString(kind)], ...data]),
    ...settings(plain),
    ...(lower === undefined ? {} : { link: u32(lower) }),
  });
}

/** Changes an interface by index; `name` is only for errors. Kinds that can, take new `data` too. */
export function changeLink(index: number, name: string, change: LinkChange): Request {
  return linkRequest(`RTM_NEWLINK ${name}`, 0, { index, ...upFlags(change.up) }, {
    ...settings(change),
    ...(change.name === undefined ? {} : { ifname: change.name }),
    ...(change.alias === undefined ? {} : { ifalias: change.alias }),
    ...(change.netnsFd === undefined ? {} : { netNsFd: change.netnsFd }),
  });
}

/** Sets switches of a port of a bridge. Refused with EINVAL when the interface is no port. */
export const changeBridgePort = (index: number, name: string, switches: Parameters<typeof bridgePortData>[0]): Request => linkRequest(`RTM_NEWLINK ${name}`, 0, { index }, {
  linkinfo: nest([[ifLink.IFLA_INFO_SLAVE_KIND, cString('bridge')], [ifLink.IFLA_INFO_SLAVE_DATA, bridgePortData(switches)]]),
});

/** Removes an interface by index; `name` is only for errors. */
export const deleteLink = (index: number, name: string): Request => ({ ...linkRequest(`RTM_DELLINK ${name}`, 0, { index }, {}), type: rtnetlink.RTM_DELLINK });

const upFlags = (up: boolean | undefined): LinkMessage['data'] =>
  up === undefined ? {} : { flags: { __unknown: up ? netDevice.IFF_UP : 0 }, change: { __unknown: netDevice.IFF_UP } };

const settings = ({ mtu, address, master }: Pick<LinkSpec, 'mtu' | 'address' | 'master'>): LinkMessage['attrs'] => ({
  ...(mtu === undefined ? {} : { mtu }),
  ...(address === undefined ? {} : { address: macBytes(address) }),
  ...(master === undefined ? {} : { master }),
});

const linkRequest = (operation: string, flags: number, data: LinkMessage['data'], attrs: LinkMessage['attrs']): Request => ({
  operation, type: rtnetlink.RTM_NEWLINK, flags, body: encode(formatLinkMessage, { kind: 'link' as const, data, attrs }),
});
