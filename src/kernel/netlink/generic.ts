/** Generic netlink: families that get their number when they are loaded. */

import { NetlinkError } from '../../lib/errors.ts';
import { genetlink } from '../uapi/index.ts';
import { cString, nest, type RawAttribute, readAttributes } from './attributes.ts';
import type { Request } from './message.ts';
import type { NetlinkSocket } from './socket.ts';

/** Length of `struct genlmsghdr`. */
export const GENLMSGHDR = 4;

/** A message of a family: a command of version 1 and its attributes. */
export const genericRequest = (operation: string, family: number, command: number, attributes: readonly RawAttribute[]): Request => ({
  operation, type: family, flags: 0, body: Buffer.concat([Buffer.from([command, 1, 0, 0]), nest(attributes)]),
});

/** The number of a family on a NETLINK_GENERIC socket; undefined when the kernel does not have it. */
export function findFamily(netlink: NetlinkSocket, name: string): number | undefined {
  try {
    const request = genericRequest(`CTRL_CMD_GETFAMILY ${name}`, genetlink.GENL_ID_CTRL, genetlink.CTRL_CMD_GETFAMILY, [[genetlink.CTRL_ATTR_FAMILY_NAME, cString(name)]]);
    const [reply] = netlink.request(request);
    return readAttributes(reply!.subarray(GENLMSGHDR)).get(genetlink.CTRL_ATTR_FAMILY_ID)?.readUInt16LE();
  } catch (error) {
    if (error instanceof NetlinkError && error.errnoName === 'ENOENT') return undefined;
    throw error;
  }
}
