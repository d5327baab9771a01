/** Steps: what is done to the node, one small thing each, with names in place of numbers. Plans are made of them. */

import type { VniRange, VxlanAttributes } from '../../../kernel/netlink/index.ts';
import type { FdbEntry } from '../fdb/model.ts';

/** A VXLAN device to make; it is down at first. */
export interface DeviceSpec {
  name: string;
  attributes: Omit<VxlanAttributes, 'lower'>;
  /** Name of the underlay interface that it is bound to. */
  underlay?: string | undefined;
  mtu?: number | undefined;
  mac?: string | undefined;
  master?: string | undefined;
}

/** One thing to do. Replacing leaves the same result when it is repeated. */
export type Step =
  | { do: 'create-tunnel'; device: DeviceSpec }
  | { do: 'delete-link'; device: string }
  | { do: 'set-link'; device: string; mtu?: number; mac?: string; up?: boolean; alias?: string; /** Empty takes it out of its bridge. */ master?: string }
  | { do: 'add-vnis'; device: string; range: VniRange }
  | { do: 'set-port'; device: string; switches: PortSwitches }
  | { do: 'add-address' | 'delete-address'; device: string; address: string }
  | { do: 'fdb-create' | 'fdb-append' | 'fdb-replace' | 'fdb-delete'; entry: FdbEntry }
  | { do: 'neighbour-replace' | 'neighbour-delete'; device: string; address: string; mac?: string }
  | { do: 'route-replace' | 'route-delete'; route: RouteEntry };

/** Switches of a port of a bridge; absent ones stay as they are. */
export type PortSwitches = { [name in keyof typeof PORT_WORDS]?: boolean | undefined };

/** Words of `ip link set type bridge_slave` for them, and how a new port has them. */
export const PORT_WORDS = {
  hairpin: ['hairpin', false], guard: ['guard', false], rootBlock: ['root_block', false], fastLeave: ['fastleave', false], learning: ['learning', true], flood: ['flood', true],
  proxyArp: ['proxy_arp', false], multicastFlood: ['mcast_flood', true], vlanTunnel: ['vlan_tunnel', false], broadcastFlood: ['bcast_flood', true],
  neighbourSuppression: ['neigh_suppress', false], isolated: ['isolated', false], locked: ['locked', false],
} as const satisfies Readonly<Record<string, readonly [word: string, atFirst: boolean]>>;

/** A route. */
export interface RouteEntry {
  /** Network with its prefix length. */
  destination: string;
  device: string;
  via?: string | undefined;
  /** The gateway is on the device whatever the addresses say. */
  onlink?: boolean | undefined;
  metric?: number | undefined;
  table?: number | undefined;
  source?: string | undefined;
  mtu?: number | undefined;
  /** RTPROT_*. */
  protocol?: number | undefined;
}

/** The entry of a forwarding database of a VXLAN device that a step writes: permanent, in the device's own table. */
export const tunnelEntry = (device: string, mac: string, destination: string): FdbEntry => ({
  device, mac, destination, table: 'self', lifetime: 'permanent', externallyLearned: false, sticky: false, offloaded: false,
});
