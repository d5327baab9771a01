/** Whom to try, from what is known of the ends. */

import { isInside, podAddresses } from '../audit/words.ts';
import type { Audit, End, Probe } from '../model.ts';

/** One address to send echo requests to. */
export interface Target {
  to: string;
  from?: string;
  what: 'underlay' | 'tunnel' | 'full';
  /** Bytes of the IP packet; the least when absent. */
  bytes?: number;
}

/** The largest packet to each address behind the tunnel that answered small ones. */
export const fullTargets = ({ tunnel }: Audit, probes: readonly Probe[]): Target[] => probes
  .filter(({ what, answered }) => what === 'tunnel' && answered > 0).map(({ to, from }) => ({ to, what: 'full', bytes: tunnel.mtu, ...(from === undefined ? {} : { from }) }));

const MOST_REMOTES = 256;
const MOST_INNER = 64;
/** States of a neighbour entry that say nothing of whether somebody is there. */
const GONE: readonly string[] = ['FAILED', 'INCOMPLETE'];

const isLinkLocal = (address: string): boolean => /^fe80:/i.test(address);

/** Remotes on the underlay that can be sent to. */
export const underlayTargets = (here: Audit): Target[] => here.remotes
  .filter(({ configured, isOwn, why }) => configured && !isOwn && why === undefined).slice(0, MOST_REMOTES)
  .map(({ address }) => ({ to: address, what: 'underlay', ...ownAddress(here, address) }));

/** The address that the tunnel sends from, where it is this node's and of the family. */
function ownAddress({ tunnel, addresses }: Audit, to: string): { from?: string } {
  const isUsable = tunnel.local !== undefined && tunnel.local.includes(':') === to.includes(':') && addresses.some(({ address }) => address === tunnel.local);
  return isUsable ? { from: tunnel.local! } : {};
}

/** Addresses behind the tunnel: those of the peers, what neighbours and routes name, and pods of the peers. */
export function tunnelTargets(here: Audit, peers: readonly Audit[]): Target[] {
  const named = new Map([...peers.flatMap((peer) => innerTargets(here, peer)), ...guessedTargets(here)].map((target) => [target.to, target]));
  return [...named.values(), ...peers.flatMap((peer) => podTargets(here, peer))].slice(0, MOST_INNER);
}

/** Addresses of the peer's device that are in a network which our own device has too, or that are routed into it. */
const innerTargets = (here: Audit, peer: Audit): Target[] => strip(peer.tunnel.addresses)
  .filter((to) => !isLinkLocal(to) && [...here.tunnel.addresses, ...here.routes.map(({ prefix }) => prefix)].some((network) => isInside(to, network)))
  .map((to) => ({ to, what: 'tunnel' }));

function guessedTargets({ neighbours, routes, tunnel }: Audit): Target[] {
  const gateways = routes.map(({ gateway }) => gateway).filter((gateway) => gateway !== undefined);
  const known = neighbours.filter(({ state }) => !GONE.includes(state)).map(({ address }) => address);
  return [...new Set([...known, ...gateways])].filter((to) => !isLinkLocal(to) && !strip(tunnel.addresses).includes(to)).map((to) => ({ to, what: 'tunnel' }));
}

/** From where our pods are to where the peer's pods are, as traffic between them goes. */
function podTargets(here: Audit, peer: Audit): Target[] {
  const [own, theirs] = [podsOf(here, [here, peer]), podsOf(peer, [here, peer])];
  return theirs.flatMap((to) => own.filter((from) => from.includes(':') === to.includes(':') && from !== to).slice(0, 1).map((from): Target => ({ to, from, what: 'tunnel' })));
}

/** Addresses of a node in the networks of its pods, which the routes of either end into the tunnel name. */
const podsOf = ({ addresses, tunnel, underlay }: Audit, ends: readonly Audit[]): string[] => {
  const inner = new Set(strip(tunnel.addresses));
  const others = ['lo', tunnel.name, ...(underlay === undefined ? [] : [underlay.name])];
  return podAddresses(addresses, ends.flatMap(({ routes }) => routes), others).filter((address) => !inner.has(address));
};

/** Addresses whose way back each end is asked about: the pods of the others, as long as they are not its own too. */
export const lookupsFor = (end: Audit, others: readonly Audit[]): string[] => [...new Set(others.flatMap((other) => podsOf(other, [end, other])))]
  .filter((address) => !end.addresses.some((own) => own.address === address));

/** Inner addresses at which a closed port is tried: only those of peers, who know of it. */
export const transportTargets = (here: End['audit'], peers: readonly Audit[]): string[] => peers.flatMap((peer) => innerTargets(here, peer)).map(({ to }) => to);

const strip = (addresses: readonly string[]): string[] => addresses.map((text) => text.split('/')[0]!);
