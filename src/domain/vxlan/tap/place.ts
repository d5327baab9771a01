/** Where a tunnel's packets are seen on the underlay, and how they are told from others. */

import type { Link, VxlanAttributes } from '../../../kernel/netlink/index.ts';

/** Where a tap stands. */
export interface TapPlace {
  name: string;
  /** Of the tunnel device. */
  tunnel: number;
  vni: number;
  port: number;
  /** Of the device below; 0 for all devices. */
  ifindex: number;
  /** Packets begin with an Ethernet header. */
  linkHeader: boolean;
}

/** What the programs take for "whatever the VNI". */
const ANY_VNI = 0xffff_ffff;
const ARPHRD_ETHER = 1;
const ARPHRD_LOOPBACK = 772;
const LINUX_PORT = 8472;

/** The place for one VXLAN link among all links of its namespace. */
export function placeOf(link: Link, { vni, external, port = LINUX_PORT, lower }: VxlanAttributes, links: readonly Link[]): TapPlace {
  const underlay = links.find(({ index }) => index === lower);
  return {
    name: link.name, tunnel: link.index, vni: external === true || vni === undefined ? ANY_VNI : vni, port, ifindex: underlay?.index ?? 0,
    // Without a device below packets of all devices are taken from the IP header on, as not all have the same header in front.
    linkHeader: underlay?.hardwareType === ARPHRD_ETHER || underlay?.hardwareType === ARPHRD_LOOPBACK,
  };
}
