import type { AddressType } from './answer.ts';
import type { Packet } from './packet.ts';

/** What routing decides for a packet. */
export type Route =
  /** To this node. */
  | { kind: 'local' }
  /** Out of an interface; its name is undefined when it is not known. */
  | { kind: 'out'; interface: string | undefined }
  | { kind: 'unreachable'; why: string }
  | { kind: 'unknown'; why: string };

/** What the walk asks about the node: taken from the live node, or from what the user says. */
export interface Routing {
  /** The decision for a packet that came in, or (`origin: 'local'`) that the node itself sends. */
  route(packet: Packet, origin: Origin): Promise<Route>;
  /** The type of an address on this node; undefined when that is not known. */
  addressType(address: readonly number[]): AddressType | undefined;
  /** First address of an interface, of the given family; undefined when that is not known. */
  interfaceAddress(name: string, family: Packet['family']): readonly number[] | undefined;
}

/** Whether the packet came in by an interface or is sent by the node itself. */
export type Origin = 'outside' | 'local';

/** Routing as the user states it, for a ruleset that is not the node's own. */
export interface StatedRouting {
  /** Where the packet goes: up to this node, through it, or out of it. Overrides what `localAddresses` say. */
  hook?: 'local-in' | 'forward' | 'local-out';
  outInterface?: string;
  /** The node's addresses, when they are all given. */
  localAddresses?: readonly (readonly number[])[];
}

/** Answers from what the user states; never looks at this node. */
export function statedRouting(stated: StatedRouting): Routing {
  const isLocal = (address: readonly number[] | undefined): boolean => address !== undefined && staticType(address) === 'LOCAL'
    || (stated.localAddresses ?? []).some((local) => address !== undefined && sameAddress(local, address));
  return {
    route: (packet) => Promise.resolve(
      stated.hook === 'local-in' || (stated.hook !== 'forward' && isLocal(packet.destination))
        ? { kind: 'local' } : { kind: 'out', interface: stated.outInterface }),
    addressType: (address) => {
      if (isLocal(address)) return 'LOCAL';
      return staticType(address) ?? (stated.localAddresses === undefined ? undefined : 'UNICAST');
    },
    interfaceAddress: () => undefined,
  };
}

/** The type of addresses that have the same one on every node: loopback, multicast, broadcast, unspecified. */
export function staticType(address: readonly number[]): AddressType | undefined {
  const [first = 0] = address;
  if (address.length === 1) {
    if (first === 0) return 'UNSPEC';
    if (first === 0xffff_ffff) return 'BROADCAST';
    if (first >>> 24 === 127) return 'LOCAL';
    return first >>> 28 === 14 ? 'MULTICAST' : undefined;
  }
  if (sameAddress(address, [0, 0, 0, 0])) return 'UNSPEC';
  if (sameAddress(address, [0, 0, 0, 1])) return 'LOCAL';
  return first >>> 24 === 0xff ? 'MULTICAST' : undefined;
}

/** Whether two addresses are the same one. */
export const sameAddress = (a: readonly number[], b: readonly number[]): boolean =>
  a.length === b.length && a.every((word, index) => word === b[index]);
