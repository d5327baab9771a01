/** Sees a tunnel's packets on the underlay, by a program that hands them over in a ring buffer. */

import { closeSync, openSync, writeSync } from 'node:fs';
import { indexKey, loadObject, openPacketTap, possibleCpus, readBuiltin, RingReader, type LoadedObject } from '../../../kernel/bpf/index.ts';
import { pollReadable, type Fd } from '../../../kernel/syscalls/index.ts';
import { OperationError } from '../../../lib/errors.ts';
import { findPlaces } from '../tap/inspect.ts';
import type { TapPlace } from '../tap/place.ts';
import { PcapBuffer } from './file.ts';
import { compileFilter } from './filter/compile.ts';
import { readTunnelPacket, type TunnelPacket } from './headers.ts';
import { formatPacket } from './line.ts';
import type { CapturedLine, CaptureRequest, CaptureSummary } from './model.ts';
import { LinkType } from './pcap.ts';

/** `struct event` of bpf/vxlan-capture.bpf.c, up to the packet. */
const EVENT_BYTES = 24;
/** Bytes for a line: outer and inner headers with IPv6, extension headers and tags. */
const SNAP_FOR_LINES = 256;
const SNAP_WHOLE = 0xffff;
const OUTGOING = 1;

/**
 * Hands out the packets of a tunnel as lines, until the signal or the count ends it; returns the summary.
 *
 * @throws ParseError SL6102 for the filter; NotFoundError SL6101 for the device; SyscallError EPERM without the rights.
 */
export async function* capturePackets(request: CaptureRequest): AsyncGenerator<CapturedLine, CaptureSummary, void> {
  const filter = compileFilter(request.filter);
  const { places, names } = findPlaces(request.name, request.netns?.path);
  using capture = new Capture(places[0]!, names, request);
  const summary = { captured: 0, seen: 0, lost: 0, ...(request.file === undefined ? {} : { file: request.file }) };
  while (!request.signal.aborted && summary.captured !== request.count) {
    const lines: CapturedLine[] = [];
    capture.drain(({ packet, line }, keep) => {
      if (summary.captured === request.count) return;
      summary.seen++;
      if (packet === undefined ? request.filter !== '' : !filter(packet)) return;
      summary.captured++;
      keep();
      if (request.file !== '-') lines.push(line);
    });
    yield* lines;
    if (lines.length === 0) await capture.wait(request.signal);
  }
  return { ...summary, lost: capture.lost };
}

type Each = (found: { packet: TunnelPacket | undefined; line: CapturedLine }, keep: () => void) => void;

/** The running program, its ring and the file. */
class Capture implements Disposable {
  readonly #place: TapPlace;
  readonly #names: ReadonlyMap<number, string>;
  readonly #object: LoadedObject;
  readonly #tap: Fd;
  readonly #ring: RingReader;
  readonly #file: { buffer: PcapBuffer; close(): void } | undefined;
  readonly #poll: { close(): void };
  readonly #startNs = BigInt(Date.now()) * 1_000_000n - process.hrtime.bigint();
  #wake: () => void = () => undefined;

  constructor(place: TapPlace, names: ReadonlyMap<number, string>, { netns, file }: CaptureRequest) {
    this.#place = place;
    this.#names = names;
    const constants = { port: place.port, vni: place.vni, snap: file === undefined ? SNAP_FOR_LINES : SNAP_WHOLE };
    this.#object = loadObject(readBuiltin('vxlan-capture'), 'vxlan-capture.bpf.o', { programs: ['capture'], constants, sizes: { scratch: { maxEntries: possibleCpus() } } });
    try {
      this.#file = file === undefined ? undefined : openFile(file, place.linkHeader ? LinkType.ETHERNET : LinkType.RAW_IP);
      this.#ring = new RingReader(this.#object.map('packets'));
      this.#tap = openPacketTap(this.#object.program('capture'), { ifindex: place.ifindex, netns: netns?.path, linkHeader: place.linkHeader });
    } catch (error) {
      this.#object.close();
      throw error;
    }
    this.#poll = pollReadable(this.#object.map('packets').fd.number, () => this.#wake());
  }

  /** Hands out what is there; `keep` writes the packet to the file. */
  drain(each: Each): void {
    this.#ring.drain((event) => {
      const bytes = event.subarray(EVENT_BYTES);
      const timeNs = event.readBigUInt64LE(0) + this.#startNs;
      const packet = readTunnelPacket(bytes, this.#place);
      each({ packet, line: this.#line(event, timeNs, packet) }, () => this.#file?.buffer.add(timeNs, event.readUInt32LE(12), bytes));
    });
    this.#file?.buffer.flush();
  }

  #line(event: Buffer, timeNs: bigint, packet: TunnelPacket | undefined): CapturedLine {
    return {
      time: formatTime(timeNs), direction: event.readUInt32LE(16) === OUTGOING ? 'out' : 'in', device: this.#names.get(event.readUInt32LE(8)) ?? '?',
      length: event.readUInt32LE(12), text: packet === undefined ? 'cut off' : formatPacket(packet),
    };
  }

  /** Until there is more, or the user has enough. */
  async wait(signal: AbortSignal): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#wake = resolve;
    const stop = (): void => resolve();
    signal.addEventListener('abort', stop);
    if (!signal.aborted) await promise;
    signal.removeEventListener('abort', stop);
  }

  /** Packets that found no room in the ring. */
  get lost(): number {
    return Number(this.#object.map('.bss').lookup(indexKey(0))!.readBigUInt64LE(0));
  }

  [Symbol.dispose](): void {
    this.#poll.close();
    this.#tap.close();
    this.#ring.close();
    this.#object.close();
    this.#file?.close();
  }
}

/** `2026-11-25T20:01:02.123456789Z` */
function formatTime(timeNs: bigint): string {
  const seconds = new Date(Number(timeNs / 1_000_000n)).toISOString().slice(0, 19);
  return `${seconds}.${String(timeNs % 1_000_000_000n).padStart(9, '0')}Z`;
}

const STDOUT = 1;

function openFile(path: string, linkType: number): { buffer: PcapBuffer; close(): void } {
  const fd = path === '-' ? STDOUT : create(path);
  const close = (): void => {
    if (fd !== STDOUT) closeSync(fd);
  };
  return { buffer: new PcapBuffer(linkType, (bytes) => writeAll(fd, bytes)), close };
}

function create(path: string): number {
  try {
    return openSync(path, 'w', 0o600);
  } catch (error) {
    throw new OperationError(`cannot write ${path}`, { code: 'SL1103', causes: [(error as Error).message], cause: error });
  }
}

function writeAll(fd: number, bytes: Buffer): void {
  for (let at = 0; at < bytes.length;) at += writeSync(fd, bytes, at);
}
