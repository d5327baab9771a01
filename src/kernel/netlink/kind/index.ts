/** What a link is by its kind. One reader a kind; what no reader knows keeps its attributes in hexadecimal. */

import { readBond } from './bond.ts';
import { readBridge, readBridgePort } from './bridge.ts';
import { decodeBy, type KindFacts } from './decode.ts';
import { readMacvlan, readNetkit, readVlan, readVrf } from './ports.ts';
import { readGeneve, readTun } from './tunnels.ts';
import { readVxlan } from './vxlan.ts';

export type { KindFacts } from './decode.ts';

/** A veth and WireGuard have no data of their own here: the peer is `lower`, keys are asked for by generic netlink. */
const READERS: Readonly<Record<string, (data: Buffer) => KindFacts>> = {
  bond: readBond, bridge: readBridge, geneve: readGeneve, macvlan: readMacvlan, macvtap: readMacvlan, netkit: readNetkit, tun: readTun, vlan: readVlan,
  vrf: readVrf, vxlan: readVxlan as (data: Buffer) => KindFacts,
};

/** Decodes IFLA_INFO_DATA of a link of this kind; names are camel case, units stand in them. */
export function decodeKind(kind: string, data: Buffer): KindFacts {
  return (READERS[kind] ?? decodeUnknown)(data);
}

/** Decodes IFLA_INFO_SLAVE_DATA: what a port is to a master of this kind. */
export function decodePort(masterKind: string, data: Buffer): KindFacts {
  return (masterKind === 'bridge' ? readBridgePort : decodeUnknown)(data);
}

const decodeUnknown = (data: Buffer): KindFacts => decodeBy({}, data);
