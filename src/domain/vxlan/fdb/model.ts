/** Entries of a forwarding database: which MAC address is behind which remote VTEP, or behind which port of a bridge. */

/** How long an entry stays: `permanent` until it is removed, `static` too but on a bridge it may be moved, `dynamic` until it ages. */
export type Lifetime = 'permanent' | 'static' | 'dynamic';

/** One entry. */
export interface FdbEntry {
  device: string;
  mac: string;
  vlan?: number | undefined;
  /** Remote VTEP. */
  destination?: string | undefined;
  /** UDP port of the remote where it is not that of the device. */
  port?: number | undefined;
  vni?: number | undefined;
  /** VNI that frames come with, on a device with `external`. */
  sourceVni?: number | undefined;
  /** Interface that outer packets leave through. */
  via?: string | undefined;
  /** Nexthop group in place of one destination. */
  nexthopId?: number | undefined;
  /** Remote VTEPs that the group leads to. */
  nexthops?: readonly string[] | undefined;
  /** Bridge whose table it is in; absent for the table of the device itself. */
  master?: string | undefined;
  /** `self` is the table of the device (NTF_SELF), `master` that of its bridge. */
  table: 'self' | 'master';
  lifetime: Lifetime;
  /** A routing daemon put it there. */
  externallyLearned: boolean;
  sticky: boolean;
  offloaded: boolean;
  /** Seconds since a frame used it, and since it was learned or written. */
  usedSeconds?: number | undefined;
  updatedSeconds?: number | undefined;
}

/** What an entry is told apart by: device, table, VLAN or source VNI, MAC and destination. */
export const fdbKey = ({ device, table, vlan, sourceVni, mac, destination, port, vni, via, nexthopId }: FdbEntry): string =>
  [device, table, vlan, sourceVni, mac, destination, port, vni, via, nexthopId].join(' ');
