/** Capture files of tcpdump and wireshark: pcap of either byte order, and pcapng. */

import { OperationError } from './errors.ts';

/** One captured packet as an Ethernet frame; a capture without Ethernet headers is given one. */
export interface CapturedPacket {
  bytes: Buffer;
  /** On the wire it had so many bytes: more than `bytes` where the capture cut it. */
  originalLength: number;
}

const PCAP_MAGICS = [0xa1b2_c3d4, 0xa1b2_3c4d];
const SECTION_HEADER = 0x0a0d_0d0a;
const BYTE_ORDER = 0x1a2b_3c4d;
const INTERFACE = 1;
const SIMPLE_PACKET = 3;
const ENHANCED_PACKET = 6;

/** Link types: what stands in front of the IP header. @see https://www.tcpdump.org/linktypes.html */
const ETHERNET = 1;
const RAW_IP = [12, 14, 101, 228, 229];
const LINUX_SLL = 113;
const LINUX_SLL2 = 276;

/** Reads a capture packet by packet. @throws OperationError SL2562 for anything else, at the packet where it stops making sense */
export function* readCapture(file: Buffer, source: string): Generator<CapturedPacket> {
  if (file.length >= 24 && PCAP_MAGICS.includes(file.readUInt32LE(0))) yield* readPcap(new Words(file, true), source);
  else if (file.length >= 24 && PCAP_MAGICS.includes(file.readUInt32BE(0))) yield* readPcap(new Words(file, false), source);
  else if (file.length >= 28 && file.readUInt32LE(0) === SECTION_HEADER) yield* readPcapng(file, source);
  else throw unusable(source, 'it is neither pcap nor pcapng');
}

/** Numbers in the byte order of the machine that captured. */
class Words {
  readonly file: Buffer;
  readonly #little: boolean;

  constructor(file: Buffer, little: boolean) {
    this.file = file;
    this.#little = little;
  }

  u16(at: number): number {
    return this.#little ? this.file.readUInt16LE(at) : this.file.readUInt16BE(at);
  }

  u32(at: number): number {
    return this.#little ? this.file.readUInt32LE(at) : this.file.readUInt32BE(at);
  }
}

function* readPcap(words: Words, source: string): Generator<CapturedPacket> {
  const linkType = words.u32(20) & 0xffff;
  for (let at = 24; at < words.file.length; ) {
    if (at + 16 > words.file.length) throw unusable(source, 'it is cut off in a record');
    const length = words.u32(at + 8);
    yield toPacket(slice(words.file, at + 16, length, source), words.u32(at + 12), linkType, source);
    at += 16 + length;
  }
}

/** Blocks, each with its type and length; sections may change the byte order. */
function* readPcapng(file: Buffer, source: string): Generator<CapturedPacket> {
  let words = new Words(file, true);
  let linkTypes: number[] = [];
  for (let at = 0; at + 12 <= file.length; ) {
    if (file.readUInt32LE(at) === SECTION_HEADER) [words, linkTypes] = [new Words(file, file.readUInt32LE(at + 8) === BYTE_ORDER), []];
    const [type, length] = [words.u32(at), words.u32(at + 4)];
    if (length < 12 || length % 4 !== 0 || at + length > file.length) throw unusable(source, `a block of ${length} bytes`);
    if (type === INTERFACE && length >= 20) linkTypes.push(words.u16(at + 8));
    if (type === ENHANCED_PACKET && length >= 32)
      yield toPacket(slice(file, at + 28, words.u32(at + 20), source, at + length), words.u32(at + 24), linkTypes[words.u32(at + 8)], source);
    if (type === SIMPLE_PACKET && length >= 16)
      yield toPacket(slice(file, at + 12, Math.min(words.u32(at + 8), length - 16), source, at + length), words.u32(at + 8), linkTypes[0], source);
    at += length;
  }
}

function slice(file: Buffer, at: number, length: number, source: string, end: number = file.length): Buffer {
  if (at + length > end) throw unusable(source, 'it is cut off in a packet');
  return file.subarray(at, at + length);
}

function toPacket(bytes: Buffer, originalLength: number, linkType: number | undefined, source: string): CapturedPacket {
  if (linkType === ETHERNET) return { bytes, originalLength };
  const header = linkType === LINUX_SLL ? 16 : linkType === LINUX_SLL2 ? 20 : 0;
  if (header === 0 && !RAW_IP.includes(linkType ?? -1)) throw unusable(source, `link type ${linkType} is neither Ethernet nor IP`);
  const packet = bytes.subarray(header);
  return { bytes: Buffer.concat([ethernetHeader(packet), packet]), originalLength: originalLength - header + 14 };
}

/** The type by the version of IP. */
const ethernetHeader = (packet: Buffer): Buffer => Buffer.from(`020000000002020000000001${(packet[0] ?? 0) >> 4 === 6 ? '86dd' : '0800'}`, 'hex');

const unusable = (source: string, why: string): OperationError =>
  new OperationError(`${source} is not a usable capture: ${why}`, { code: 'SL2562', reason: 'usage', hints: ['tcpdump -w FILE writes one'] });
