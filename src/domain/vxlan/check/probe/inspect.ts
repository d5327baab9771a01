/** Tries the ways that a tunnel's packets take: echo requests, one datagram to the UDP port, a connection to a closed port. */

import { setTimeout as sleep } from 'node:timers/promises';
import { bindSocket, connectSocket, openSocket, receive, receiveFrom, sendTo, type Fd } from '../../../../kernel/syscalls/index.ts';
import { inNetns } from '../../../../kernel/netns/index.ts';
import { inet, socket } from '../../../../kernel/uapi/index.ts';
import { SyscallError } from '../../../../lib/errors.ts';
import { parseAddress } from '../../../../lib/ip.ts';
import { echoRequest, leastProbe, measurePath, readAnswer, type ProbeMark } from '../../../mtu/index.ts';
import type { Audit, PathProbe, Probe, TransportProbe } from '../model.ts';
import { probeFrame } from './frame.ts';
import type { Target } from './targets.ts';

const ECHOES = 3;
const ECHO_INTERVAL_MS = 40;
const ECHO_PAUSE_MS = 400;
const PATIENCE_MS = 2000;
const TRANSPORT_PATIENCE_MS = 800;
const PORT_ROUNDS = 10;
const PORT_INTERVAL_MS = 200;
const POLL_MS = 5;
const SNIPPET = 256;
/** RFC 863: nobody runs it, and no scanner alarm knows it. */
const DISCARD_PORT = 9;
const O_NONBLOCK = 0o4000;
const BROADCAST = 'ff:ff:ff:ff:ff:ff';

/**
 * Sends three echo requests to all at once, and more to those that do not answer until patience ends: a neighbour entry that
 * failed a moment ago is asked for again only after a second.
 */
export async function ping(targets: readonly Target[], netns: string | undefined, patienceMs = PATIENCE_MS): Promise<Probe[]> {
  const pings = targets.map((target) => new Ping(target, netns));
  try {
    for (let round = 0; round < ECHOES; round++) {
      for (const one of pings) one.send();
      await sleep(ECHO_INTERVAL_MS);
    }
    for (const end = performance.now() + patienceMs; !await until(() => pings.map((one) => one.receive()).every(Boolean), ECHO_PAUSE_MS) && performance.now() < end;) {
      for (const one of pings) if (one.isSilent()) one.send();
    }
    return pings.map((one) => one.probe);
  } finally {
    for (const one of pings) one.close();
  }
}

/** Asks again and again until the answer is yes or patience ends. */
async function until(isDone: () => boolean, patienceMs: number): Promise<boolean> {
  for (const end = performance.now() + patienceMs; performance.now() < end; await sleep(POLL_MS)) if (isDone()) return true;
  return isDone();
}

/** Echo requests to one address. The socket stays in the namespace where it was opened. */
class Ping {
  readonly probe: Probe;
  readonly #mark: ProbeMark;
  readonly #socket: Fd;
  readonly #sentAt = new Map<number, number>();
  readonly #bytes: number;

  constructor({ to, from, what, bytes }: Target, netns: string | undefined) {
    this.probe = { to, what, sent: 0, answered: 0, ...(from === undefined ? {} : { from }) };
    const target = addressBytes(to);
    this.#mark = { family: target.length === 4 ? 'ipv4' : 'ipv6', target, mark: 1 + Math.floor(Math.random() * 0xfffe) };
    this.#bytes = Math.max(bytes ?? 0, leastProbe(this.#mark.family));
    const [family, protocol] = target.length === 4 ? [socket.AF_INET, inet.IPPROTO_ICMP] : [socket.AF_INET6, inet.IPPROTO_ICMPV6];
    this.#socket = inNetns(netns, () => openSocket(family, socket.SOCK_RAW, protocol));
    if (from !== undefined) this.#try(() => bindSocket(this.#socket, socketAddress(from, 0)));
  }

  send(): void {
    const sequence = ++this.probe.sent;
    this.#sentAt.set(sequence, performance.now());
    this.#try(() => void sendTo(this.#socket, echoRequest(this.#mark, sequence, this.#bytes), socketAddress(this.probe.to, 0)));
  }

  /** Reads what has come; true when nothing is missing. */
  receive(): boolean {
    for (let one = receiveFrom(this.#socket, SNIPPET); one !== undefined; one = receiveFrom(this.#socket, SNIPPET)) {
      const from = this.#mark.family === 'ipv4' ? one.from.subarray(4, 8) : one.from.subarray(8, 24);
      this.#take(readAnswer(this.#mark, one.data, from));
    }
    return this.probe.answered >= this.probe.sent;
  }

  isSilent(): boolean {
    return this.probe.answered === 0;
  }

  #take(answer: ReturnType<typeof readAnswer>): void {
    if (answer === undefined) return;
    if (answer.kind !== 'echo') return void (this.probe.error = answer.kind === 'unreachable' ? `unreachable (ICMP code ${answer.code})` : answer.kind.replace('-', ' '));
    const started = this.#sentAt.get(answer.sequence);
    if (started === undefined) return;
    this.#sentAt.delete(answer.sequence);
    this.probe.answered++;
    delete this.probe.error;
    this.probe.fastestMs = Math.min(this.probe.fastestMs ?? Number.POSITIVE_INFINITY, performance.now() - started);
  }

  /** What the kernel refuses to send is an answer too. */
  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof SyscallError) || error.errnoName === 'EACCES') throw error;
      this.probe.error = error.errnoName;
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/**
 * Sends a frame that nobody answers to the UDP port of each remote, and returns those that say that nobody listens.
 *
 * Nodes say so about once a second only, so it is sent again until `isEnough` is true or a second is over.
 */
export async function tryPorts({ tunnel }: Audit, targets: readonly Target[], netns: string | undefined, isEnough: () => boolean): Promise<string[]> {
  const frame = probeFrame(tunnel.vni ?? 0, tunnel.mac, BROADCAST);
  const tries = targets.map((target) => new Datagram(target.to, tunnel.port, target.from, netns));
  try {
    for (let round = 0; round < PORT_ROUNDS && (round === 0 || !(isEnough() || tries.every((one) => one.isRefused()))); round++) {
      for (const one of tries) if (!one.isRefused()) one.send(frame);
      await sleep(PORT_INTERVAL_MS);
    }
    return tries.filter((one) => one.isRefused()).map(({ to }) => to);
  } finally {
    for (const one of tries) one.close();
  }
}

/** One connected UDP socket, which hears "port unreachable". */
class Datagram {
  readonly to: string;
  readonly #port: number;
  readonly #socket: Fd;
  #refused = false;

  constructor(to: string, port: number, from: string | undefined, netns: string | undefined) {
    this.to = to;
    this.#port = port;
    this.#socket = inNetns(netns, () => openSocket(to.includes(':') ? socket.AF_INET6 : socket.AF_INET, socket.SOCK_DGRAM, 0));
    if (from !== undefined) this.#try(() => bindSocket(this.#socket, socketAddress(from, 0)));
    this.#try(() => connectSocket(this.#socket, socketAddress(to, port)));
  }

  send(data: Buffer): void {
    this.#try(() => void sendTo(this.#socket, data, socketAddress(this.to, this.#port)));
  }

  isRefused(): boolean {
    this.#try(() => void receive(this.#socket, 1));
    return this.#refused;
  }

  /** Only a refusal is of interest: a missing route shows elsewhere. */
  #try(work: () => void): void {
    try {
      work();
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.errnoName === 'ECONNREFUSED') this.#refused = true;
    }
  }

  close(): void {
    this.#socket.close();
  }
}

/** Tries a port where nobody listens, by TCP and by UDP: a healthy path refuses both. */
export async function tryTransports(addresses: readonly string[], netns: string | undefined): Promise<TransportProbe[]> {
  const udp = addresses.map((to) => new Datagram(to, DISCARD_PORT, undefined, netns));
  const tcp = addresses.map((to) => new Connection(to, netns));
  try {
    for (const one of udp) one.send(Buffer.alloc(8));
    await until(() => [...udp.map((one) => one.isRefused()), ...tcp.map((one) => one.isSettled())].every(Boolean), TRANSPORT_PATIENCE_MS);
    return [
      ...udp.map((one): TransportProbe => ({ to: one.to, transport: 'udp', ...(one.isRefused() ? { answer: 'refused' as const } : {}) })),
      ...tcp.map(({ to, answer }): TransportProbe => ({ to, transport: 'tcp', ...(answer === undefined ? {} : { answer }) })),
    ];
  } finally {
    for (const one of [...udp, ...tcp]) one.close();
  }
}

/** A connection that is begun and never used. */
class Connection {
  readonly to: string;
  answer: 'open' | 'refused' | undefined;
  readonly #socket: Fd;

  constructor(to: string, netns: string | undefined) {
    this.to = to;
    this.#socket = inNetns(netns, () => openSocket(to.includes(':') ? socket.AF_INET6 : socket.AF_INET, socket.SOCK_STREAM | O_NONBLOCK, 0));
    this.isSettled();
  }

  /** Asking again to connect says what became of the first time. @man connect(2) */
  isSettled(): boolean {
    if (this.answer !== undefined) return true;
    try {
      connectSocket(this.#socket, socketAddress(this.to, DISCARD_PORT));
      this.answer = 'open';
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      this.answer = error.errnoName === 'ECONNREFUSED' ? 'refused' : error.errnoName === 'EISCONN' ? 'open' : undefined;
    }
    return this.answer !== undefined;
  }

  close(): void {
    this.#socket.close();
  }
}

const MOST_PATHS = 32;

/** Measures the path to remotes that answer, from the size of the largest packet that the tunnel sends. */
export async function measurePaths({ underlay }: Audit, probes: readonly Probe[], netns: string | undefined): Promise<PathProbe[]> {
  const answering = probes.filter(({ what, answered }) => what === 'underlay' && answered > 0).slice(0, MOST_PATHS);
  if (underlay === undefined) return [];
  return await Promise.all(answering.map(async ({ to }) => {
    const { mtu } = await measurePath({ to, linkMtu: underlay.mtu, ...(netns === undefined ? {} : { netns }) });
    return { to, mtu };
  }));
}

function addressBytes(text: string): Buffer {
  const words = parseAddress(text)!;
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, i) => bytes.writeUInt32BE(word, i * 4));
  return bytes;
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
function socketAddress(text: string, port: number): Buffer {
  const bytes = addressBytes(text);
  const address = Buffer.alloc(bytes.length === 4 ? 16 : 28);
  address.writeUInt16LE(bytes.length === 4 ? socket.AF_INET : socket.AF_INET6, 0);
  address.writeUInt16BE(port, 2);
  bytes.copy(address, bytes.length === 4 ? 4 : 8);
  return address;
}
