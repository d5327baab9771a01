/** The interface below a tunnel and what is left of its MTU. */

import type { VxlanAttributes } from '../../kernel/netlink/index.ts';
import type { NetworkInterface } from '../links/index.ts';
import { calculateStack } from '../mtu/index.ts';

/** An underlay: the interface, and the largest packet that fits through a tunnel over it. */
export interface Underlay {
  interface: NetworkInterface;
  innerMtu: number;
}

/** What tells the underlay of a tunnel: the interface it is bound to, else the one that has its local address. */
export interface UnderlayClue {
  underlay?: string | undefined;
  local?: string | undefined;
  attributes: Pick<VxlanAttributes, 'group' | 'local' | 'gpe'>;
}

/** Interfaces of a namespace by what one looks for: there may be 10,000. */
export interface InterfaceLookup {
  byIndex: ReadonlyMap<number, NetworkInterface>;
  byName: ReadonlyMap<string, NetworkInterface>;
  /** By each of their addresses, without prefix length. */
  byAddress: ReadonlyMap<string, NetworkInterface>;
}

/** Prepares looking interfaces up. */
export const lookUpBy = (interfaces: readonly NetworkInterface[]): InterfaceLookup => ({
  byIndex: new Map(interfaces.map((one) => [one.index, one])),
  byName: new Map(interfaces.map((one) => [one.name, one])),
  byAddress: new Map(interfaces.flatMap((one) => one.addresses.map((address) => [address.split('/')[0]!, one] as const))),
});

/** The underlay of a tunnel; undefined when it is bound to nothing and its address is on no interface. */
export function underlayOf({ underlay, local, attributes }: UnderlayClue, { byName, byAddress }: InterfaceLookup): Underlay | undefined {
  const found = underlay === undefined ? byAddress.get(local ?? '') : byName.get(underlay);
  return found === undefined ? undefined : { interface: found, innerMtu: innerMtu(found.mtu, isIpv6(local ?? attributes.group)) };
}

/** The largest packet through a tunnel over an underlay of this MTU. */
export const innerMtu = (mtu: number, ipv6: boolean): number => mtu - (ipv6 ? overheads.ipv6 : overheads.ipv4);

const overheadOf = (underlay: 'ipv4' | 'ipv6'): number => calculateStack({
  outerMtu: 1500, encapsulations: ['vxlan'], underlays: [underlay], options: { vlan: false, geneveOptions: 0, ipsecMode: 'tunnel', cipher: 'aes-cbc-sha1', natTraversal: false },
}).overhead;

/** Bytes that VXLAN adds: 50 over IPv4, 70 over IPv6. */
const overheads = { ipv4: overheadOf('ipv4'), ipv6: overheadOf('ipv6') };

/** Whether an address is IPv6; an absent one counts as IPv4, which the kernel takes by default. */
export const isIpv6 = (address: string | undefined): boolean => address?.includes(':') === true;
