/** Events: what the kernel tells about links, neighbours, routes and so on as it happens. */

import { SyscallError } from '../../lib/errors.ts';
import { pollReadable, receiveInto, setSocketOption } from '../syscalls/index.ts';
import { netlink, socket as uapi } from '../uapi/index.ts';
import { forEachMessage } from './message.ts';
import { type NetlinkOptions, openSocketFor } from './socket.ts';

/** What a monitor tells. The bytes are overwritten after the call. */
export interface MonitorEvents {
  /** `type` is RTM_*; the body lies between the offsets, for `readLink` and its kin. */
  message(type: number, bytes: Buffer, start: number, end: number): void;
  /** The kernel dropped events because we were too slow: read the tables again. */
  overrun(): void;
}

/** A running monitor; it keeps the process alive until it is closed. */
export interface Monitor {
  close(): void;
  [Symbol.dispose](): void;
}

const RECEIVE_BYTES = 64 << 10;
const QUEUE_BYTES = 1 << 20;

/** Joins multicast groups (RTNLGRP_*) of a namespace and calls back on the event loop. @throws SyscallError */
export function openMonitor(groups: readonly number[], events: MonitorEvents, options: NetlinkOptions & { queueBytes?: number } = {}): Monitor {
  const fd = openSocketFor(options);
  try {
    setSocketOption(fd, uapi.SOL_SOCKET, uapi.SO_RCVBUF, options.queueBytes ?? QUEUE_BYTES);
    for (const group of groups) setSocketOption(fd, uapi.SOL_NETLINK, netlink.NETLINK_ADD_MEMBERSHIP, group);
  } catch (error) {
    fd.close();
    throw error;
  }
  const bytes = Buffer.allocUnsafe(RECEIVE_BYTES);
  const receiveAll = (): void => {
    for (let length = receiveOrOverrun(); length !== undefined; length = receiveOrOverrun()) {
      forEachMessage(bytes, length, ({ type, start, end }) => {
        if (type > netlink.NLMSG_OVERRUN) events.message(type, bytes, start, end);
      });
    }
  };
  /** The length of a datagram, 0 after an overrun, undefined when nothing is left. */
  const receiveOrOverrun = (): number | undefined => {
    if (closed) return undefined;
    try {
      return receiveInto(fd, bytes, false);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.errnoName !== 'ENOBUFS') throw error;
      events.overrun();
      return 0;
    }
  };
  let closed = false;
  const poll = pollReadable(fd.number, receiveAll);
  const close = (): void => {
    if (closed) return;
    closed = true;
    poll.close();
    fd.close();
  };
  return { close, [Symbol.dispose]: close };
}
