/** The path MTU to an address, measured with packets that must not be cut. */

import { setTimeout as sleep } from 'node:timers/promises';
import { connectSocket, type Fd, getSocketOption, openSocket, pollReadable, receiveFrom, sendTo, setSocketOption } from '../../../kernel/syscalls/index.ts';
import { inNetns } from '../../../kernel/netns/index.ts';
import { inet, socket } from '../../../kernel/uapi/index.ts';
import { OperationError, SyscallError, UsageError } from '../../../lib/errors.ts';
import { parseAddress } from '../../../lib/ip.ts';
import type { Family } from '../header.ts';
import { echoRequest, readAnswer, udpData, type Answer, type ProbeMark } from './icmp.ts';
import { LEAST, searchMtu, settle, type Outcome, type Prober, type SearchResult } from './search.ts';

/** A path to measure. */
export interface PathRequest {
  /** IPv4 or IPv6 address. */
  to: string;
  /** Path of the network namespace to send from. */
  netns?: string;
  /** MTU of the link that the packets leave by: where the search starts. */
  linkMtu: number;
}

/** A measured path. */
export interface PathMeasurement extends SearchResult {
  to: string;
  family: Family;
  /** `icmp`: echo requests were answered. `udp`: only "port unreachable" came back. */
  probes: 'icmp' | 'udp';
  /** Path MTU that the kernel believed in before the measurement, from its own cache. */
  cachedMtu: number;
  /** The same after it: the kernel hears what routers answer to our probes. */
  learnedMtu: number;
  /** Round trip of the smallest probe. */
  rttMs: number;
}

/** Where traceroute's ports begin: nobody listens there. */
const FIRST_PORT = 33_434;
const PORTS = 30_000;
const RECEIVE_BUFFER = 8 << 20;
/** Enough of a packet to recognise it. */
const SNIPPET = 256;
const ICMP_WIDTH = 16;
/** Bounds of how long an answer is waited for; four round trips in between. */
const WAIT_MS = { least: 150, most: 600 };
/** Linux sends one "port unreachable" a second to each address, after a burst. */
const UDP_WAIT_MS = 1100;

/**
 * Measures the path MTU.
 *
 * @throws UsageError for an address that is none; OperationError SL6050 when nothing there answers, SL6051 when a router says that it
 *   cannot be reached; PermissionError without CAP_NET_RAW.
 */
export async function measurePath({ to, netns, linkMtu }: PathRequest): Promise<PathMeasurement> {
  const words = parseAddress(to);
  if (words === undefined) throw new UsageError(`'${to}' is no IP address`);
  const family: Family = words.length === 1 ? 'ipv4' : 'ipv6';
  const target = Buffer.alloc(words.length * 4);
  words.forEach((word, i) => target.writeUInt32BE(word, i * 4));
  const mark = { family, target, mark: FIRST_PORT + Math.floor(Math.random() * PORTS) };
  const cachedMtu = kernelPathMtu(mark, netns);
  using sockets = new ProbeSockets(mark, netns);
  const { kind, rttMs } = await sockets.chooseProbes(to);
  const found = await searchMtu(sockets, LEAST[family], Math.min(linkMtu, 65_535));
  return { to, family, probes: kind, cachedMtu, learnedMtu: kernelPathMtu(mark, netns), rttMs, ...found };
}

/** The kernel's own idea of the path MTU, which it tells to a socket that has its route. */
function kernelPathMtu(mark: ProbeMark, netns: string | undefined): number {
  const four = mark.family === 'ipv4';
  using udp = inNetns(netns, () => openSocket(four ? socket.AF_INET : socket.AF_INET6, socket.SOCK_DGRAM, 0));
  try {
    connectSocket(udp, socketAddress(mark, mark.mark));
  } catch (error) {
    if (error instanceof SyscallError && ['ENETUNREACH', 'EHOSTUNREACH', 'EACCES', 'EINVAL'].includes(error.errnoName))
      throw new OperationError('there is no route to this address', { code: 'SL6052', causes: [error.message], cause: error });
    throw error;
  }
  return four ? getSocketOption(udp, inet.IPPROTO_IP, inet.IP_MTU) : getSocketOption(udp, inet.IPPROTO_IPV6, inet.IPV6_MTU);
}

/** The sockets of one measurement. They stay in the namespace where they were opened. */
class ProbeSockets implements Prober, Disposable {
  readonly #mark: ProbeMark;
  readonly #raw: Fd;
  /** Never connected: what ICMP reports would make its next send fail. */
  readonly #udp: Fd;
  #kind: 'icmp' | 'udp' = 'icmp';
  #waitMs = WAIT_MS.most;
  #sequence = 0;

  constructor(mark: ProbeMark, netns: string | undefined) {
    this.#mark = mark;
    const family = mark.family === 'ipv4' ? socket.AF_INET : socket.AF_INET6;
    [this.#raw, this.#udp] = inNetns(netns, () => [openRaw(family), openSocket(family, socket.SOCK_DGRAM, 0)] as const);
    for (const fd of [this.#raw, this.#udp]) forbidFragments(fd, mark.family);
  }

  get width(): number {
    return this.#kind === 'icmp' ? ICMP_WIDTH : 1;
  }

  /** Finds a kind of probe that is answered. @throws OperationError */
  async chooseProbes(to: string): Promise<{ kind: 'icmp' | 'udp'; rttMs: number }> {
    for (const kind of ['icmp', 'udp'] as const) {
      this.#kind = kind;
      this.#waitMs = kind === 'icmp' ? WAIT_MS.most : UDP_WAIT_MS;
      const started = performance.now();
      const outcome = await settle(this, LEAST[this.#mark.family]);
      const rttMs = performance.now() - started;
      if (outcome.kind === 'unreachable') throw unreachable(to, outcome);
      if (outcome.kind !== 'answered') continue;
      if (kind === 'icmp') this.#waitMs = Math.min(WAIT_MS.most, Math.max(WAIT_MS.least, 4 * rttMs));
      return { kind, rttMs };
    }
    throw new OperationError(`${to} does not answer: neither echo requests nor UDP`, {
      code: 'SL6050', hints: ['allow ICMP echo there, or measure to another address behind the same tunnel'],
    });
  }

  async probe(sizes: readonly number[]): Promise<ReadonlyMap<number, Outcome>> {
    const outcomes = new Map<number, Outcome>(sizes.map((size) => [size, { kind: 'lost' }]));
    const sizeOf = new Map<number, number>();
    for (const size of sizes) {
      const sequence = (this.#sequence = (this.#sequence + 1) & 0xffff);
      sizeOf.set(sequence, size);
      if (!this.#send(size, sequence)) outcomes.set(size, { kind: 'refused-here' });
    }
    await this.#collect(outcomes, sizeOf);
    return outcomes;
  }

  /** False when the kernel says that it is too long for the device. */
  #send(size: number, sequence: number): boolean {
    try {
      if (this.#kind === 'icmp') sendTo(this.#raw, echoRequest(this.#mark, sequence, size), socketAddress(this.#mark, 0));
      else sendTo(this.#udp, udpData(this.#mark.family, size), socketAddress(this.#mark, this.#mark.mark));
      return true;
    } catch (error) {
      if (error instanceof SyscallError && error.errnoName === 'EMSGSIZE') return false;
      // A full queue, a neighbour that does not answer and a rule of our own firewall are losses.
      if (error instanceof SyscallError && ['ENOBUFS', 'EHOSTUNREACH', 'EPERM'].includes(error.errnoName)) return true;
      throw error;
    }
  }

  async #collect(outcomes: Map<number, Outcome>, sizeOf: ReadonlyMap<number, number>): Promise<void> {
    const { promise: complete, resolve } = Promise.withResolvers<void>();
    const poll = pollReadable(this.#raw.number, () => {
      this.#readAnswers(outcomes, sizeOf);
      if ([...outcomes.values()].every(({ kind }) => kind !== 'lost')) resolve();
    });
    const patience = new AbortController();
    try {
      if ([...outcomes.values()].every(({ kind }) => kind !== 'lost')) return;
      await Promise.race([complete, sleep(this.#waitMs, undefined, { signal: patience.signal }).catch(() => undefined)]);
    } finally {
      patience.abort();
      poll.close();
    }
  }

  #readAnswers(outcomes: Map<number, Outcome>, sizeOf: ReadonlyMap<number, number>): void {
    for (let one = receiveFrom(this.#raw, SNIPPET); one !== undefined; one = receiveFrom(this.#raw, SNIPPET)) {
      const from = this.#mark.family === 'ipv4' ? one.from.subarray(4, 8) : one.from.subarray(8, 24);
      const answer = readAnswer(this.#mark, one.data, from);
      const size = answer === undefined ? undefined : answer.kind === 'echo' ? sizeOf.get(answer.sequence) : answer.size;
      if (answer !== undefined && size !== undefined && outcomes.has(size)) outcomes.set(size, outcomeOf(answer));
    }
  }

  [Symbol.dispose](): void {
    this.#raw.close();
    this.#udp.close();
  }
}

function outcomeOf(answer: Answer): Outcome {
  if (answer.kind === 'echo' || answer.kind === 'port-unreachable') return { kind: 'answered' };
  return answer.kind === 'too-big' ? { kind: 'too-big', mtu: answer.mtu, from: answer.from } : { kind: 'unreachable', code: answer.code, from: answer.from };
}

const unreachable = (to: string, { from, code }: { from: string; code: number }): OperationError =>
  new OperationError(`${from} says that ${to} cannot be reached`, { code: 'SL6051', causes: [`ICMP destination unreachable, code ${code}`], details: { from, code } });

/** A raw socket that hears only answers: replies and errors. */
function openRaw(family: number): Fd {
  const raw = openSocket(family, socket.SOCK_RAW, family === socket.AF_INET ? inet.IPPROTO_ICMP : inet.IPPROTO_ICMPV6);
  setSocketOption(raw, socket.SOL_SOCKET, socket.SO_RCVBUFFORCE, RECEIVE_BUFFER);
  if (family === socket.AF_INET) setSocketOption(raw, inet.SOL_RAW, inet.ICMP_FILTER, ~((1 << inet.ICMP_ECHOREPLY) | (1 << inet.ICMP_DEST_UNREACH)));
  else setSocketOption(raw, inet.IPPROTO_ICMPV6, inet.ICMPV6_FILTER, blockAllBut([inet.ICMPV6_DEST_UNREACH, inet.ICMPV6_PKT_TOOBIG, inet.ICMPV6_ECHO_REPLY]));
  return raw;
}

/** `struct icmp6_filter`: a bit for each type that is not wanted. @rfc 3542 section 3.2 */
function blockAllBut(types: readonly number[]): Buffer {
  const filter = Buffer.alloc(32, 0xff);
  for (const type of types) {
    const word = (type >> 5) * 4;
    filter.writeUInt32LE((filter.readUInt32LE(word) & ~(1 << (type & 31))) >>> 0, word);
  }
  return filter;
}

/** Sets DF, or its like, and lets probes exceed what the kernel believes of the path. */
function forbidFragments(fd: Fd, family: Family): void {
  if (family === 'ipv4') return setSocketOption(fd, inet.IPPROTO_IP, inet.IP_MTU_DISCOVER, inet.IP_PMTUDISC_PROBE);
  setSocketOption(fd, inet.IPPROTO_IPV6, inet.IPV6_MTU_DISCOVER, inet.IP_PMTUDISC_PROBE);
  setSocketOption(fd, inet.IPPROTO_IPV6, inet.IPV6_DONTFRAG, 1);
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
function socketAddress({ family, target }: ProbeMark, port: number): Buffer {
  const address = Buffer.alloc(family === 'ipv4' ? 16 : 28);
  address.writeUInt16LE(family === 'ipv4' ? socket.AF_INET : socket.AF_INET6, 0);
  address.writeUInt16BE(port, 2);
  target.copy(address, family === 'ipv4' ? 4 : 8);
  return address;
}
