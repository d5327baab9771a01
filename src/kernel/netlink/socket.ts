/**
 * A netlink socket of our own: the transport of the `netlink` package cannot tell the kernel's words about a refusal, nor
 * that a dump was cut, nor work in a chosen namespace.
 */

import { type NetlinkError, OperationError } from '../../lib/errors.ts';
import { inNetns } from '../netns/index.ts';
import { bindSocket, type Fd, openSocket, receiveAhead, receiveInto, sendTo, setSocketOption } from '../syscalls/index.ts';
import { netlink, socket as uapi } from '../uapi/index.ts';
import { readAcknowledgement, readEndOfDump } from './acknowledgement.ts';
import { endsAnswer, forEachMessage, type MessageHeader, messageLength, type Request, writeMessage } from './message.ts';

/** Where and to whom a socket is opened. */
export interface NetlinkOptions {
  /** Another network namespace than the caller's, by its path. */
  netns?: { path: string } | undefined;
  /** NETLINK_*. @default NETLINK_ROUTE */
  protocol?: number;
}

/** A request of a batch that was refused. */
export interface Refusal {
  index: number;
  request: Request;
  error: NetlinkError;
}

/** Everything a dump gave. `complete` is false when the table changed during each of several attempts. */
export interface Dump<T> {
  items: T[];
  complete: boolean;
}

/** Reads one message between two offsets of the receive buffer, which is overwritten later; undefined leaves it out. */
export type ReadMessage<T> = (bytes: Buffer, start: number, end: number, type: number) => T | undefined;

const RECEIVE_BYTES = 64 << 10;
/** Refusals wait in the receive buffer until a whole batch was sent; about 1 KiB each. */
const RECEIVE_QUEUE_BYTES = 8 << 20;
const BATCH_BYTES = 64 << 10;
const BATCH_REQUESTS = 1000;
const DUMP_ATTEMPTS = 5;
const CAUSES = 5;

/** Opens a netlink socket and joins no group; close it with `using`. @throws SyscallError when the namespace cannot be entered. */
export function openNetlink(options: NetlinkOptions = {}): NetlinkSocket {
  return new NetlinkSocket(openSocketFor(options));
}

/** The descriptor of a bound netlink socket with extended acknowledgements and strict checking; the caller closes it. */
export function openSocketFor({ netns, protocol = netlink.NETLINK_ROUTE }: NetlinkOptions): Fd {
  const fd = inNetns(netns?.path, () => openSocket(uapi.AF_NETLINK, uapi.SOCK_RAW, protocol));
  for (const option of [netlink.NETLINK_EXT_ACK, netlink.NETLINK_CAP_ACK, netlink.NETLINK_GET_STRICT_CHK]) setSocketOption(fd, uapi.SOL_NETLINK, option, 1);
  bindSocket(fd, KERNEL);
  return fd;
}

/** `struct sockaddr_nl` of the kernel, which is also what an unbound socket binds to. */
const KERNEL = Buffer.from([uapi.AF_NETLINK, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);

/** Asks and changes the kernel, one request after the other. It stays in the network namespace where it was opened. */
export class NetlinkSocket {
  readonly #fd: Fd;
  readonly #bytes = Buffer.allocUnsafe(RECEIVE_BYTES);
  #sequence = 0;

  constructor(fd: Fd) {
    this.#fd = fd;
  }

  /** Sends one request, waits for its acknowledgement, and returns the bodies of the replies. @throws NetlinkError */
  request(request: Request): Buffer[] {
    const replies: Buffer[] = [];
    const sequence = this.#send([request], netlink.NLM_F_ACK);
    const refused = this.#receive([request], sequence, (bytes, start, end) => void replies.push(Buffer.from(bytes.subarray(start, end))));
    if (refused.length > 0) throw refused[0]!.error;
    return replies;
  }

  /**
   * Sends many requests in few system calls and returns those that were refused; the others are carried out, in order.
   *
   * A thousand entries take a few milliseconds this way.
   */
  tryAll(requests: readonly Request[]): Refusal[] {
    this.#growQueue();
    const refused: Refusal[] = [];
    for (let from = 0; from < requests.length;) {
      const batch = takeBatch(requests, from);
      const first = this.#send(batch, 0);
      for (const { index, ...rest } of this.#receive(batch, first)) refused.push({ index: from + index, ...rest });
      from += batch.length;
    }
    return refused;
  }

  /** Like `tryAll`, for requests that must all succeed. @throws NetlinkError the first refusal, with the others as its causes. */
  runAll(requests: readonly Request[]): void {
    const [first, ...others] = this.tryAll(requests);
    if (first === undefined) return;
    const causes = others.slice(0, CAUSES).map(({ error }) => error.message);
    const more = others.length > CAUSES ? [`and ${others.length - CAUSES} more`] : [];
    throw first.error.withOthers([...causes, ...more]);
  }

  /** Reads a table. A dump during which it changed is repeated a few times. @throws NetlinkError */
  dump<T>(request: Request, read: ReadMessage<T>): Dump<T> {
    for (let attempt = 1; ; attempt++) {
      const items: T[] = [];
      const interrupted = this.#dumpOnce(request, (...message) => {
        const item = read(...message);
        if (item !== undefined) items.push(item);
      });
      if (!interrupted || attempt === DUMP_ATTEMPTS) return { items, complete: !interrupted };
    }
  }

  /**
   * Reads a table in pieces as the kernel hands them out, so that one of any length takes little memory. The kernel makes the
   * next piece in another thread while this one is dealt with. It cannot be repeated: the generator returns false when the table
   * changed meanwhile. @throws NetlinkError
   */
  async *dumpPieces<T>(request: Request, read: ReadMessage<T>): AsyncGenerator<T[], boolean> {
    const sequence = this.#send([request], netlink.NLM_F_DUMP);
    let complete = true;
    let [bytes, spare] = [this.#bytes, Buffer.allocUnsafe(RECEIVE_BYTES)];
    let coming: Promise<number> | undefined = this.#receiveAhead(bytes);
    try {
      while (coming !== undefined) {
        const length = checkFit(await coming, bytes);
        // Nothing follows the end: waiting for it would never end.
        coming = endsAnswer(bytes, length, sequence) ? undefined : this.#receiveAhead(spare);
        const items: T[] = [];
        const [[refusal]] = this.#read(bytes, length, [request], sequence, (...message) => {
          const item = read(...message);
          if (item !== undefined) items.push(item);
        }, () => void (complete = false));
        if (refusal !== undefined) throw refusal.error;
        if (items.length > 0) yield items;
        [bytes, spare] = [spare, bytes];
      }
    } finally {
      // The thread writes to the buffer, and reads from a descriptor that is closed next.
      await coming?.catch(ignore);
    }
    return complete;
  }

  /** A failure is told when it is waited for, which may be later than it happens: until then somebody has to take it. */
  #receiveAhead(bytes: Buffer): Promise<number> {
    const coming = receiveAhead(this.#fd, bytes);
    coming.catch(ignore);
    return coming;
  }

  close(): void {
    this.#fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #dumpOnce(request: Request, each: ReadMessage<void>): boolean {
    const sequence = this.#send([request], netlink.NLM_F_DUMP);
    let interrupted = false;
    const [refusal] = this.#receive([request], sequence, each, () => void (interrupted = true));
    if (refusal !== undefined) throw refusal.error;
    return interrupted;
  }

  /** Sends requests as one datagram and returns the sequence number of the first; the last one is acknowledged. */
  #send(requests: readonly Request[], flags: number): number {
    const first = this.#sequence + 1;
    const message = Buffer.alloc(requests.reduce((sum, request) => sum + messageLength(request), 0));
    let at = 0;
    for (const [index, request] of requests.entries()) {
      this.#sequence = (this.#sequence + 1) >>> 0;
      const last = index === requests.length - 1 && (flags & netlink.NLM_F_DUMP) !== netlink.NLM_F_DUMP;
      writeMessage(message, at, request, this.#sequence, flags | (last ? netlink.NLM_F_ACK : 0));
      at += messageLength(request);
    }
    sendTo(this.#fd, message, KERNEL);
    return first;
  }

  /** Receives until the last of `requests` is answered; returns the refusals. */
  #receive(requests: readonly Request[], first: number, each: ReadMessage<void> = ignore, onInterrupted: () => void = ignore): Refusal[] {
    const refused: Refusal[] = [];
    for (let done = false; !done;) {
      const [refusals, ended] = this.#read(this.#bytes, checkFit(receiveInto(this.#fd, this.#bytes, true)!, this.#bytes), requests, first, each, onInterrupted);
      refused.push(...refusals);
      done = ended;
    }
    return refused;
  }

  /** Reads one datagram; returns the refusals in it, and whether the last of `requests` is answered. */
  #read(bytes: Buffer, length: number, requests: readonly Request[], first: number, each: ReadMessage<void>, onInterrupted: () => void): [Refusal[], ended: boolean] {
    const refused: Refusal[] = [];
    let ended = false;
    forEachMessage(bytes, length, (message) => {
      const index = message.sequence - first;
      const request = requests[index];
      // What belongs to an older request that was given up.
      if (request === undefined) return;
      if ((message.flags & netlink.NLM_F_DUMP_INTR) !== 0) onInterrupted();
      if (message.type > netlink.NLMSG_OVERRUN) each(bytes, message.start, message.end, message.type);
      if (message.type !== netlink.NLMSG_ERROR && message.type !== netlink.NLMSG_DONE) return;
      const error = errorOf(bytes, message, request);
      if (error?.errnoName === 'EINTR') onInterrupted();
      else if (error !== undefined) refused.push({ index, request, error });
      ended ||= index === requests.length - 1;
    });
    return [refused, ended];
  }

  #growQueue(): void {
    try {
      setSocketOption(this.#fd, uapi.SOL_SOCKET, uapi.SO_RCVBUFFORCE, RECEIVE_QUEUE_BYTES);
    } catch {
      // Only root may; who is not is refused anyway, and hears so from the kernel.
    }
  }
}

const ignore = (): void => undefined;

const errorOf = (bytes: Buffer, { type, flags, start, end }: MessageHeader, request: Request): NetlinkError | undefined =>
  (type === netlink.NLMSG_ERROR ? readAcknowledgement : readEndOfDump)(bytes, start, end, flags, request);

function checkFit(length: number, bytes: Buffer): number {
  if (length > bytes.length) throw new OperationError(`netlink datagram of ${length} bytes does not fit`, { code: 'SL2702' });
  return length;
}

/** As many requests as go into one datagram, at least one. */
function takeBatch(requests: readonly Request[], from: number): readonly Request[] {
  let to = from;
  for (let bytes = 0; to < requests.length && to - from < BATCH_REQUESTS; to++) {
    bytes += messageLength(requests[to]!);
    if (bytes > BATCH_BYTES && to > from) break;
  }
  return requests.slice(from, to);
}
