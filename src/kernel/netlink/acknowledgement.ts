/** NLMSG_ERROR: what the kernel says about a request, with its own words where it has some. */

import { NetlinkError, type RefusedAttribute } from '../../lib/errors.ts';
import { errnoName } from '../syscalls/index.ts';
import { ifLink, netlink } from '../uapi/index.ts';
import { align, readText, walk } from './attributes.ts';
import { nameAttribute } from './attribute-names.ts';
import { HEADER_LENGTH, type Request } from './message.ts';

interface Extended {
  text?: string;
  attribute?: RefusedAttribute;
}

/** The error in an NLMSG_ERROR whose body lies between two offsets; undefined when it says that all is well. */
export function readAcknowledgement(bytes: Buffer, start: number, end: number, flags: number, request: Request): NetlinkError | undefined {
  // The failed message follows the error number, cut to its header where NLM_F_CAPPED says so.
  const failed = (flags & netlink.NLM_F_CAPPED) === 0 ? align(bytes.readUInt32LE(start + 4)) : HEADER_LENGTH;
  return readError(bytes, start, start + 4 + failed, end, flags, request);
}

/** The error in an NLMSG_DONE, which has no copy of the request; older kernels send it without an error number. */
export function readEndOfDump(bytes: Buffer, start: number, end: number, flags: number, request: Request): NetlinkError | undefined {
  return end - start < 4 ? undefined : readError(bytes, start, start + 4, end, flags, request);
}

function readError(bytes: Buffer, start: number, attributes: number, end: number, flags: number, request: Request): NetlinkError | undefined {
  const errno = -bytes.readInt32LE(start);
  if (errno === 0) return undefined;
  const extended = (flags & netlink.NLM_F_ACK_TLVS) === 0 ? {} : readExtended(bytes, attributes, end, request);
  return new NetlinkError(request.operation, errno, errnoName(errno), extended);
}

function readExtended(bytes: Buffer, from: number, to: number, request: Request): Extended {
  const found: Extended = {};
  walk(bytes, from, to, (type, start, end) => {
    if (type === netlink.NLMSGERR_ATTR_MSG) found.text = readText(bytes, start, end);
    if (type === netlink.NLMSGERR_ATTR_OFFS) found.attribute = locate(request, bytes.readUInt32LE(start));
  });
  return found;
}

/** The names of the attributes around an offset of the request, which counts from the beginning of the message. */
function locate(request: Request, offset: number): RefusedAttribute {
  const path: string[] = [];
  let kind = '';
  const descend = (from: number, to: number): void => {
    if (from >= to) return;
    walk(request.body, from, to, (type, start, end) => {
      if (path.at(-1) === 'IFLA_LINKINFO' && type === ifLink.IFLA_INFO_KIND) kind = readText(request.body, start, end);
      const [first, last] = [start - 4 + HEADER_LENGTH, end + HEADER_LENGTH];
      if (offset < first || offset >= last) return;
      path.push(nameAttribute(request.type, path, kind, type));
      if (offset > first) descend(start, end);
    });
  };
  descend(headerOf(request.type), request.body.length);
  return { path: path.join('/') || `offset ${offset}`, offset };
}

/** Length of the fixed structure before the attributes: ifinfomsg 16, ifaddrmsg 8, rtmsg 12, ndmsg 12, tcmsg 20, nhmsg 8. */
function headerOf(type: number): number {
  const family = (type - 16) >> 2;
  return { 0: 16, 1: 8, 2: 12, 3: 12, 5: 20, 6: 20, 7: 20, 22: 8 }[family] ?? 16;
}
