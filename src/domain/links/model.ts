/** Network interfaces as people talk about them: names in place of numbers, addresses beside them, what the kind makes of them. */

import type { KindFacts, LinkStatistics } from '../../kernel/netlink/index.ts';

/** State as `ip` prints it. */
export type OperState = 'unknown' | 'notpresent' | 'down' | 'lowerlayerdown' | 'testing' | 'dormant' | 'up';

/** One interface. */
export interface NetworkInterface {
  index: number;
  name: string;
  /** Kind of a virtual device (`vxlan`, `veth`), else `loopback`, `ethernet`, or `arphrd-N`. */
  type: string;
  state: OperState;
  /** IFF_* without the prefix, as `ip` lists them: `UP`, `BROADCAST`, `LOWER_UP`. */
  flags: readonly string[];
  mtu: number;
  minMtu?: number | undefined;
  /** Absent where the driver sets no limit. */
  maxMtu?: number | undefined;
  mac?: string | undefined;
  broadcast?: string | undefined;
  permanentMac?: string | undefined;
  /** With their prefix length, IPv4 first. */
  addresses: readonly string[];
  /** Bridge, bond or VRF that it is a port of. */
  master?: string | undefined;
  /** Interface below, or peer of a veth. */
  lower?: string | undefined;
  /** Namespace id of `lower` where that is another; `lower` is then `ifN`. */
  lowerNetnsId?: number | undefined;
  alias?: string | undefined;
  altNames: readonly string[];
  qdisc?: string | undefined;
  txQueueLength?: number | undefined;
  group: number;
  promiscuity: number;
  carrierChanges?: number | undefined;
  xdp?: { mode: string; programId?: number | undefined } | undefined;
  /** What the kind knows: VNI, bond mode, VLAN id. Attributes without a name are in `unknown`, in hexadecimal. */
  kind: KindFacts;
  /** What it is to its master, when that tells. */
  port?: { kind: string; facts: KindFacts } | undefined;
}

/** An interface with everything that the kernel told about it. */
export interface InterfaceDetail extends NetworkInterface {
  statistics: LinkStatistics;
  /** Attributes of the message that nothing above was made of, by number, in hexadecimal. */
  otherAttributes: Readonly<Record<string, string>>;
}

/** Where to look, and for what. */
export interface LinkRequest {
  netns?: { path: string; label: string } | undefined;
  /** Types to show; all when absent. */
  types?: readonly string[] | undefined;
}
