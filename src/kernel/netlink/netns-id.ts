/** The number by which one network namespace knows another. */

import { socket } from '../uapi/index.ts';
import { nest, u32 } from './attributes.ts';
import type { NetlinkSocket } from './socket.ts';

const RTM_GETNSID = 90;
const NETNSA_NSID = 1;
const NETNSA_FD = 3;
const ATTRIBUTE_HEADER = 4;

/**
 * The id that links of the socket's namespace name another namespace by (`lowerNetnsId`); undefined when it has none there.
 *
 * @param fd an open descriptor of the other namespace.
 * @kernel linux/net_namespace.h; net/core/net_namespace.c rtnl_net_getid
 */
export function netnsIdOf(netlinkSocket: NetlinkSocket, fd: number): number | undefined {
  const header = Buffer.from([socket.AF_UNSPEC, 0, 0, 0]);
  const [reply] = netlinkSocket.request({ operation: 'RTM_GETNSID', type: RTM_GETNSID, flags: 0, body: Buffer.concat([header, nest([[NETNSA_FD, u32(fd)]])]) });
  // struct rtgenmsg, then one attribute: its header and a signed number.
  const id = reply !== undefined && reply.readUInt16LE(header.length + 2) === NETNSA_NSID ? reply.readInt32LE(header.length + ATTRIBUTE_HEADER) : -1;
  return id < 0 ? undefined : id;
}
