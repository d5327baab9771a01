/** Tunnels and meshes as their documents describe them, and what becomes of that on one node. */

import type { VxlanAttributes } from '../../../kernel/netlink/index.ts';
import type { Cidr } from '../../../lib/cidr.ts';

/** A node of a mesh. */
export interface MeshNode {
  name: string;
  /** Address of its VTEP in the underlay, canonical. */
  underlay: string;
  podCidrs: readonly Cidr[];
  /** Its address on the tunnel device, one for each pod CIDR, which the others route to. */
  gateways: readonly string[];
  /** MAC address of its tunnel device. */
  mac: string;
}

/** Settings of a tunnel device that a document may have. */
export type TunnelOptions = Pick<VxlanAttributes, 'learning' | 'proxy' | 'l2miss' | 'l3miss' | 'ttl' | 'ttlInherit' | 'tos' | 'df' | 'gbp' | 'sourcePorts' | 'ageingSeconds' | 'udpChecksum'>;

/** A mesh: one device on every node, and between them either static entries or flooding. */
export interface Mesh {
  name: string;
  device: string;
  vni: number;
  port: number;
  mtu: number | 'auto';
  /**
   * `routed`: each node gets an FDB entry, a neighbour entry and a route for every other, and floods nothing. `flood`: a flood
   * entry and a route; MAC addresses are learned.
   */
  mode: 'routed' | 'flood';
  underlayDevice?: string;
  options: TunnelOptions;
  nodes: readonly MeshNode[];
}

/** What one device should be, with everything on it. Names in place of numbers, addresses canonical. */
export interface WantedTunnel {
  /** Kind and name of the document: `VxlanMesh/pods`. */
  owner: string;
  device: string;
  /** Only what is set is compared; the rest is the kernel's. */
  attributes: Omit<VxlanAttributes, 'lower'>;
  underlayDevice?: string;
  mtu: number | 'auto';
  mac?: string;
  bridge?: string;
  /** With their prefix length. */
  addresses: readonly string[];
  fdb: readonly FdbPair[];
  neighbours: readonly NeighbourPair[];
  routes: readonly RoutePair[];
}

/** A MAC address and the VTEP that it is behind; the MAC of zeros floods, and may have several. */
export interface FdbPair {
  mac: string;
  destination: string;
}

/** An IP address and the MAC address behind it. */
export interface NeighbourPair {
  address: string;
  mac: string;
}

/** A network and the gateway on the tunnel that it is behind. */
export interface RoutePair {
  /** Network with its prefix length. */
  destination: string;
  via: string;
}

/** A device as it is, in the same terms. Entries that were learned are left out: they are nobody's work. */
export interface LiveTunnel {
  kind: string | undefined;
  alias?: string;
  up: boolean;
  attributes: Omit<VxlanAttributes, 'lower'>;
  underlayDevice?: string;
  mtu: number;
  mac: string;
  bridge?: string;
  addresses: readonly string[];
  fdb: readonly FdbPair[];
  neighbours: readonly NeighbourPair[];
  /** Only those with our own protocol number. */
  routes: readonly RoutePair[];
}

/** Routing protocol number of routes that sluice makes: ASCII `s`, which linux/rtnetlink.h gives to nobody. */
export const RTPROT_SLUICE = 115;
