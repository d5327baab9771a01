/** Addresses of interfaces. */

import { formatAddressMessage } from 'netlink/dist/rt/structs.js';
import { ifAddr, netlink, rtnetlink, socket } from '../uapi/index.ts';
import { ipBytes, readIp } from './address.ts';
import { encode, readText, walk } from './attributes.ts';
import type { Request } from './message.ts';
import type { Dump, NetlinkSocket } from './socket.ts';

/** An address of an interface. `flags` are IFA_F_*, `scope` is RT_SCOPE_*. */
export interface IfAddress {
  family: 4 | 6;
  ifindex: number;
  /** The interface's own address. */
  local: string;
  prefixLength: number;
  /** The other end of a point-to-point link; else undefined. */
  peer: string | undefined;
  broadcast: string | undefined;
  label: string | undefined;
  scope: number;
  flags: number;
  /** Seconds left; undefined is for ever. */
  validSeconds: number | undefined;
  preferredSeconds: number | undefined;
}

/** Length of `struct ifaddrmsg`. */
const IFADDRMSG = 8;
const FOREVER = 0xffff_ffff;

/** Addresses of all interfaces or of one, of both families or one. */
export function listAddresses(netlinkSocket: NetlinkSocket, { family, ifindex }: { family?: 4 | 6; ifindex?: number } = {}): Dump<IfAddress> {
  const body = Buffer.alloc(IFADDRMSG);
  body.writeUInt8(family === undefined ? socket.AF_UNSPEC : family === 4 ? socket.AF_INET : socket.AF_INET6, 0);
  if (ifindex !== undefined) body.writeUInt32LE(ifindex, 4);
  return netlinkSocket.dump({ operation: 'RTM_GETADDR', type: rtnetlink.RTM_GETADDR, flags: 0, body }, readAddress);
}

/** Reads an RTM_NEWADDR or RTM_DELADDR body; undefined for a family that is not IP. */
export function readAddress(bytes: Buffer, start: number, end: number): IfAddress | undefined {
  const family = bytes[start] === socket.AF_INET ? 4 : bytes[start] === socket.AF_INET6 ? 6 : undefined;
  if (family === undefined) return undefined;
  const found: IfAddress = {
    family, ifindex: bytes.readUInt32LE(start + 4), local: '', prefixLength: bytes[start + 1]!, peer: undefined, broadcast: undefined, label: undefined,
    scope: bytes[start + 3]!, flags: bytes[start + 2]!, validSeconds: undefined, preferredSeconds: undefined,
  };
  let address = '';
  walk(bytes, start + IFADDRMSG, end, (type, from, to) => {
    if (type === ifAddr.IFA_ADDRESS) address = readIp(bytes, from, to);
    else readAttribute(found, bytes, type, from, to);
  });
  // IPv6 has IFA_LOCAL only where there is a peer; IPv4 has both, equal unless there is one.
  if (found.local === '') found.local = address;
  else if (found.local !== address && address !== '') found.peer = address;
  return found;
}

function readAttribute(found: IfAddress, bytes: Buffer, type: number, from: number, to: number): void {
  switch (type) {
    case ifAddr.IFA_LOCAL: found.local = readIp(bytes, from, to); break;
    case ifAddr.IFA_BROADCAST: found.broadcast = readIp(bytes, from, to); break;
    case ifAddr.IFA_LABEL: found.label = readText(bytes, from, to); break;
    case ifAddr.IFA_FLAGS: found.flags = bytes.readUInt32LE(from); break;
    case ifAddr.IFA_CACHEINFO:
      found.preferredSeconds = secondsOf(bytes.readUInt32LE(from));
      found.validSeconds = secondsOf(bytes.readUInt32LE(from + 4));
      break;
    default: break;
  }
}

const secondsOf = (value: number): number | undefined => (value === FOREVER ? undefined : value);

/** An address to add or remove. */
export interface AddressSpec {
  ifindex: number;
  address: string;
  prefixLength: number;
  /** Without duplicate address detection (IPv6): usable at once. */
  nodad?: boolean;
}

/** Adds an address. Refused with EEXIST when the interface has it; `device` is only for errors. */
export const addAddress = (spec: AddressSpec, device: string): Request =>
  addressRequest('RTM_NEWADDR', rtnetlink.RTM_NEWADDR, netlink.NLM_F_CREATE | netlink.NLM_F_EXCL, spec, device);

/** Removes an address. Refused with EADDRNOTAVAIL when the interface does not have it. */
export const deleteAddress = (spec: AddressSpec, device: string): Request => addressRequest('RTM_DELADDR', rtnetlink.RTM_DELADDR, 0, spec, device);

function addressRequest(name: string, type: number, flags: number, { ifindex, address, prefixLength, nodad }: AddressSpec, device: string): Request {
  const bytes = ipBytes(address);
  const data = { family: bytes.length === 4 ? socket.AF_INET : socket.AF_INET6, prefixlen: prefixLength, index: ifindex, ...(nodad === true ? { flags: { nodad } as const } : {}) };
  return {
    operation: `${name} ${address}/${prefixLength} dev ${device}`, type, flags,
    body: encode(formatAddressMessage, { kind: 'address' as const, data, attrs: { local: bytes, address: bytes } }),
  };
}
