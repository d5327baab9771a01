/** VXLAN tunnels as operators talk about them. @rfc 7348 */

import type { VniRange, VxlanAttributes } from '../../kernel/netlink/index.ts';
import type { NetworkInterface } from '../links/index.ts';
import type { FdbEntry } from './fdb/model.ts';

/** UDP port of VXLAN by IANA, and the one that Linux takes when it is told none, from before there was a number. */
export const IANA_PORT = 4789;
export const LINUX_PORT = 8472;

/** Largest VXLAN network identifier: it has 24 bits. */
export const MAX_VNI = 0xff_ffff;

/** MAC address of an entry that takes every frame without an entry of its own: broadcast, multicast, unknown unicast. */
export const FLOOD_MAC = '00:00:00:00:00:00';

/** Alias by which devices that sluice made are known. */
export const OWN_ALIAS = 'sluice';

/** A VXLAN device as it stands on the node. */
export interface Tunnel {
  name: string;
  index: number;
  /** 0 on a device with `external`, which gets it with each packet. */
  vni: number;
  local?: string | undefined;
  /** Multicast group of the underlay. */
  group?: string | undefined;
  port: number;
  /** Underlay interface when the device is bound to one. */
  underlay?: string | undefined;
  mtu: number;
  mac?: string | undefined;
  addresses: readonly string[];
  /** Bridge that it is a port of. */
  master?: string | undefined;
  state: 'up' | 'down';
  /** `sluice`, a network plugin such as `flannel` or `calico`, or `unknown`. */
  owner: string;
  /** VTEPs that flooded frames are sent to. */
  remotes: readonly string[];
  /** All different VTEPs that the forwarding database names. */
  peers: number;
  entries: number;
  /** What is wrong at first sight, by short words; `sluice vxlan check` says more. */
  issues: readonly string[];
  alias?: string | undefined;
  /** Everything that the kernel tells about the tunnel. */
  attributes: VxlanAttributes;
}

/** A tunnel with its forwarding database and what stands on it. */
export interface TunnelDetail extends Tunnel {
  interface: NetworkInterface;
  fdb: readonly FdbEntry[];
  /** What a device with a VNI filter takes in. */
  vnis: readonly VniRange[];
}

/** The tunnels of a namespace, and what they stand on. */
export interface NodeView {
  interfaces: readonly NetworkInterface[];
  tunnels: readonly Tunnel[];
  complete: boolean;
  warnings: readonly string[];
}

/** A tunnel that somebody wants. Absent members are the kernel's defaults. */
export interface TunnelSpec {
  name: string;
  /** Absent only with `external`. */
  vni?: number | undefined;
  local?: string | undefined;
  /** Underlay interface. */
  dev?: string | undefined;
  /** Remote VTEPs: one becomes the remote of the device, several become flood entries. */
  remotes: readonly string[];
  group?: string | undefined;
  port: number;
  /** `auto` is the MTU of the underlay less the headers. */
  mtu: number | 'auto';
  /** With their prefix length. */
  addresses: readonly string[];
  mac?: string | undefined;
  bridge?: string | undefined;
  /** For a device with `vniFilter`. */
  vnis: readonly VniRange[];
  /** All that goes into the device unchanged. */
  options: Pick<VxlanAttributes, 'learning' | 'proxy' | 'l2miss' | 'l3miss' | 'ttl' | 'ttlInherit' | 'tos' | 'df' | 'gbp' | 'external' | 'vniFilter' | 'sourcePorts' | 'ageingSeconds' | 'udpChecksum' | 'localBypass'>;
}
