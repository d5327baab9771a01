/** Tries ports: that of the tunnel with one datagram, and a closed one with TCP and UDP. */

import { setTimeout as sleep } from 'node:timers/promises';
import { bindSocket, connectSocket, openSocket, receive, sendTo, type Fd } from '../../../../../kernel/syscalls/index.ts';
import { inNetns } from '../../../../../kernel/netns/index.ts';
import { socket } from '../../../../../kernel/uapi/index.ts';
import { SyscallError } from '../../../../../lib/errors.ts';
import type { Audit, TransportProbe } from '../../model.ts';
import { socketAddress } from '../address.ts';
import { probeFrame } from '../frame.ts';
import { until } from '../patience.ts';
import type { Target } from '../targets.ts';

const TRANSPORT_PATIENCE_MS = 800;
const PORT_ROUNDS = 10;
const PORT_INTERVAL_MS = 200;
/** RFC 863: nobody runs it, and no scanner alarm knows it. */
const DISCARD_PORT = 9;
const O_NONBLOCK = 0o4000;
const BROADCAST = 'ff:ff:ff:ff:ff:ff';

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
