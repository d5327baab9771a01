/** Netlink messages: a 16-byte header and a body. */

import { OperationError } from '../../lib/errors.ts';
import { netlink } from '../uapi/index.ts';
import { align } from './attributes.ts';

/** One message to send. `operation` names it and its object for errors: `RTM_NEWLINK vx0`. */
export interface Request {
  operation: string;
  type: number;
  /** NLM_F_*; NLM_F_REQUEST is added, and NLM_F_ACK where an answer is needed. */
  flags: number;
  body: Buffer;
}

/** Length of `struct nlmsghdr`. */
export const HEADER_LENGTH = 16;

/** Bytes that a request takes among others. */
export const messageLength = ({ body }: Request): number => align(HEADER_LENGTH + body.length);

/** Writes a request at an offset. */
export function writeMessage(into: Buffer, at: number, { type, flags, body }: Request, sequence: number, extraFlags: number): void {
  into.writeUInt32LE(HEADER_LENGTH + body.length, at);
  into.writeUInt16LE(type, at + 4);
  into.writeUInt16LE(flags | extraFlags | netlink.NLM_F_REQUEST, at + 6);
  into.writeUInt32LE(sequence, at + 8);
  body.copy(into, at + HEADER_LENGTH);
}

/** Where a message lies in what was received. */
export interface MessageHeader {
  type: number;
  flags: number;
  sequence: number;
  /** Offsets of the body. */
  start: number;
  end: number;
}

/** Whether a datagram ends what the kernel has to say to the request of that number. */
export function endsAnswer(bytes: Buffer, length: number, sequence: number): boolean {
  let ends = false;
  forEachMessage(bytes, length, (message) => {
    ends ||= message.sequence === sequence && (message.type === netlink.NLMSG_DONE || message.type === netlink.NLMSG_ERROR);
  });
  return ends;
}

/** Visits the messages of a datagram. @throws OperationError SL2702 for a length that does not fit. */
export function forEachMessage(bytes: Buffer, length: number, visit: (message: MessageHeader) => void): void {
  for (let at = 0; at + HEADER_LENGTH <= length;) {
    const size = bytes.readUInt32LE(at);
    if (size < HEADER_LENGTH || at + size > length) throw new OperationError(`netlink message of ${size} bytes at ${at}`, { code: 'SL2702' });
    visit({ type: bytes.readUInt16LE(at + 4), flags: bytes.readUInt16LE(at + 6), sequence: bytes.readUInt32LE(at + 8), start: at + HEADER_LENGTH, end: at + size });
    at += align(size);
  }
}
