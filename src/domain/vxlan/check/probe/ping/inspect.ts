/** Echo requests to many addresses at once. */

import { setTimeout as sleep } from 'node:timers/promises';
import { bindSocket, openSocket, receiveFrom, sendTo, setSocketOption, type Fd } from '../../../../../kernel/syscalls/index.ts';
import { inNetns } from '../../../../../kernel/netns/index.ts';
import { inet, socket } from '../../../../../kernel/uapi/index.ts';
import { SyscallError } from '../../../../../lib/errors.ts';
import { echoRequest, leastProbe, readAnswer, type ProbeMark } from '../../../../mtu/index.ts';
import type { Probe } from '../../model.ts';
import { addressBytes, socketAddress } from '../address.ts';
import { until } from '../patience.ts';
import type { Target } from '../targets.ts';

const ECHOES = 3;
const ECHO_INTERVAL_MS = 40;
const ECHO_PAUSE_MS = 400;
const PATIENCE_MS = 2000;
/** Enough of a packet to recognise it. */
const SNIPPET = 256;
/** All answers of a round may come before the first is read. */
const RECEIVE_BUFFER = 4 << 20;
/** Identifiers of echo requests: one for each address, from a random one on. */
const IDENTIFIERS = 0x1_0000;

/**
 * Sends three echo requests to all at once, and more to those that do not answer until patience ends: a neighbour entry that
 * failed a moment ago is asked for again only after a second.
 *
 * @throws SyscallError EPERM without CAP_NET_RAW.
 */
export async function ping(targets: readonly Target[], netns: string | undefined, patienceMs = PATIENCE_MS): Promise<Probe[]> {
  const first = Math.floor(Math.random() * IDENTIFIERS);
  const pings = targets.map((target, i) => new Ping(target, (first + i) % IDENTIFIERS));
  const sockets = [...Map.groupBy(pings, ({ family, probe }) => `${family} ${probe.from}`).values()].map((group) => new EchoSocket(group, netns));
  const isComplete = (): boolean => sockets.map((one) => one.receive()).every(Boolean);
  try {
    for (let round = 0; round < ECHOES; round++) {
      for (const one of sockets) one.send(() => true);
      await sleep(ECHO_INTERVAL_MS);
      isComplete();
    }
    for (const end = performance.now() + patienceMs; !await until(isComplete, ECHO_PAUSE_MS) && performance.now() < end;) {
      for (const one of sockets) one.send(({ answered }) => answered === 0);
    }
    return pings.map(({ probe }) => probe);
  } finally {
    for (const one of sockets) one.close();
  }
}

/** What was asked of one address, and what came back. */
class Ping {
  readonly probe: Probe;
  readonly mark: ProbeMark;
  readonly #bytes: number;
  readonly #sentAt = new Map<number, number>();

  constructor({ to, from, what, bytes }: Target, identifier: number) {
    const target = addressBytes(to);
    this.probe = { to, what, sent: 0, answered: 0, ...(from === undefined ? {} : { from }) };
    this.mark = { family: target.length === 4 ? 'ipv4' : 'ipv6', target, mark: identifier };
    this.#bytes = Math.max(bytes ?? 0, leastProbe(this.mark.family));
  }

  get family(): ProbeMark['family'] {
    return this.mark.family;
  }

  /** The next echo request. */
  next(): Buffer {
    const sequence = ++this.probe.sent;
    this.#sentAt.set(sequence, performance.now());
    return echoRequest(this.mark, sequence, this.#bytes);
  }

  /** False when the packet is no answer to this one. */
  take(packet: Buffer, from: Buffer): boolean {
    const answer = readAnswer(this.mark, packet, from);
    if (answer === undefined) return false;
    if (answer.kind === 'echo') this.#answered(answer.sequence);
    else if (this.probe.answered === 0) this.probe.error = answer.kind === 'unreachable' ? `unreachable (ICMP code ${answer.code})` : answer.kind.replace('-', ' ');
    return true;
  }

  #answered(sequence: number): void {
    const started = this.#sentAt.get(sequence);
    if (started === undefined) return;
    this.#sentAt.delete(sequence);
    delete this.probe.error;
    this.probe.answered++;
    this.probe.fastestMs = Math.min(this.probe.fastestMs ?? Number.POSITIVE_INFINITY, performance.now() - started);
  }
}

/** The raw socket of all echo requests with one family and source. It stays in the namespace where it was opened. */
class EchoSocket {
  readonly #pings: readonly Ping[];
  readonly #fd: Fd;

  constructor(pings: readonly Ping[], netns: string | undefined) {
    this.#pings = pings;
    const { family, probe: { from } } = pings[0]!;
    this.#fd = inNetns(netns, () => (family === 'ipv4' ? openSocket(socket.AF_INET, socket.SOCK_RAW, inet.IPPROTO_ICMP) : openSocket(socket.AF_INET6, socket.SOCK_RAW, inet.IPPROTO_ICMPV6)));
    setSocketOption(this.#fd, socket.SOL_SOCKET, socket.SO_RCVBUFFORCE, RECEIVE_BUFFER);
    if (from !== undefined) for (const one of pings) noting(one, () => bindSocket(this.#fd, socketAddress(from, 0)));
  }

  send(isWanted: (probe: Probe) => boolean): void {
    for (const one of this.#pings) if (isWanted(one.probe)) noting(one, () => void sendTo(this.#fd, one.next(), socketAddress(one.probe.to, 0)));
  }

  /** Reads what has come; true when nothing is missing. */
  receive(): boolean {
    for (let one = receiveFrom(this.#fd, SNIPPET); one !== undefined; one = receiveFrom(this.#fd, SNIPPET)) {
      const { data, from } = one;
      const sender = from.length === 16 ? from.subarray(4, 8) : from.subarray(8, 24);
      this.#pings.some((each) => each.take(data, sender));
    }
    return this.#pings.every(({ probe }) => probe.answered >= probe.sent);
  }

  close(): void {
    this.#fd.close();
  }
}

/** What the kernel refuses to send is an answer too. */
function noting({ probe }: Ping, work: () => void): void {
  try {
    work();
  } catch (error) {
    if (!(error instanceof SyscallError) || error.errnoName === 'EACCES') throw error;
    probe.error = error.errnoName;
  }
}
