/** Numbers of netlink to the words of an audit. */

import type { Neighbour, VxlanAttributes, Link } from '../../../../kernel/netlink/index.ts';
import { parseAddress } from '../../../../lib/ip.ts';
import type { FdbFacts, NeighbourFacts, TunnelFacts } from '../model.ts';

const STATES = ['INCOMPLETE', 'REACHABLE', 'STALE', 'DELAY', 'PROBE', 'FAILED', 'NOARP', 'PERMANENT'];
const NOARP = 64;
const PERMANENT = 128;
const EXT_LEARNED = 16;
const IFF_UP = 1;

/** `REACHABLE` and so on; the strongest where several bits are set. */
export const stateWord = (state: number): string => STATES.findLast((_, bit) => (state & (1 << bit)) !== 0) ?? 'NONE';

/** An FDB entry that leads to a remote; undefined for one of the bridge's half. */
export function fdbFacts({ lladdr, destination, state, flags, nexthopId }: Neighbour): FdbFacts | undefined {
  if (lladdr === undefined || (destination === undefined && nexthopId === undefined)) return undefined;
  const configured = (state & (PERMANENT | NOARP)) !== 0 || (flags & EXT_LEARNED) !== 0;
  return { mac: lladdr, ...(destination === undefined ? {} : { remote: destination }), configured };
}

/** A neighbour entry with an address; undefined for multicast ones, which the kernel makes itself. */
export function neighbourFacts({ destination, lladdr, state }: Neighbour): NeighbourFacts | undefined {
  if (destination === undefined || isMulticast(destination) || (state & NOARP) !== 0) return undefined;
  return { address: destination, ...(lladdr === undefined ? {} : { mac: lladdr }), state: stateWord(state) };
}

/** Whether an address is one of a group. */
export const isMulticast = (address: string): boolean =>
  address.includes(':') ? /^ff/i.test(address) : Number(address.split('.')[0]) >= 224 && Number(address.split('.')[0]) < 240;

/** What the device's own attributes say; addresses and the device below come from elsewhere. */
export function tunnelFacts(link: Link, vxlan: VxlanAttributes): Omit<TunnelFacts, 'addresses' | 'innerMac' | 'lower'> {
  const { vni, external = false, local, group, learning = true, proxy = false, df = 'unset', gbp = false, gpe = false, port = 8472, ageingSeconds = 300 } = vxlan;
  const isGroup = group !== undefined && isMulticast(group);
  return {
    name: link.name, ifindex: link.index, mac: link.address ?? '', external, port, mtu: link.mtu, up: (link.flags & IFF_UP) !== 0, learning, proxy, df, gbp, gpe,
    ageingSeconds, ipv6: (local ?? group ?? '').includes(':'),
    ...(external || vni === undefined ? {} : { vni }), ...(local === undefined ? {} : { local }), ...(isGroup ? { group } : {}),
  };
}

/** Whether an address is in a network (`10.0.0.7/24` or `default`), and not the address that the network is written with. */
export function isInside(address: string, network: string): boolean {
  const [base = '', length] = network.split('/');
  const [words, own] = [parseAddress(address), parseAddress(base)];
  if (words === undefined || own === undefined || words.length !== own.length || base === address) return false;
  const bits = (all: readonly number[]): string => all.map((word) => word.toString(2).padStart(32, '0')).join('').slice(0, Number(length));
  return bits(words) === bits(own);
}

/** Addresses that pods are reached at: in the same /16 (IPv6: /48) as what the node routes into the tunnel. */
export function podAddresses(addresses: readonly { device: string; address: string }[], routes: readonly { prefix: string }[], notOn: readonly string[]): string[] {
  const clusters = new Set(routes.map(({ prefix }) => clusterOf(prefix.split('/')[0]!)));
  return addresses.filter(({ device, address }) => !notOn.includes(device) && clusters.has(clusterOf(address))).map(({ address }) => address);
}

const clusterOf = (address: string): string => (address.includes(':') ? address.split(':').slice(0, 3).join(':') : address.split('.').slice(0, 2).join('.'));
