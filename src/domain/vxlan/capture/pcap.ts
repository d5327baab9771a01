/** The file format that tcpdump and Wireshark read, with nanoseconds. @rfc draft-ietf-opsawg-pcap */

import { Buffer } from 'node:buffer';

/** LINKTYPE_* of what a record begins with. */
export const LinkType = { ETHERNET: 1, RAW_IP: 101 } as const;

const MAGIC_NANOSECONDS = 0xa1b2_3c4d;
/** What tcpdump calls "full packets". */
const SNAP_LENGTH = 262_144;

/** The 24 bytes at the start of a file. */
export function pcapHeader(linkType: number): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(MAGIC_NANOSECONDS, 0);
  header.writeUInt16LE(2, 4);
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(SNAP_LENGTH, 16);
  header.writeUInt32LE(linkType, 20);
  return header;
}

/** One packet: `length` bytes long on the wire, of which `bytes` were kept; the time is nanoseconds since 1970. */
export function pcapRecord(timeNs: bigint, length: number, bytes: Buffer): Buffer {
  const record = Buffer.alloc(16 + bytes.length);
  record.writeUInt32LE(Number(timeNs / 1_000_000_000n), 0);
  record.writeUInt32LE(Number(timeNs % 1_000_000_000n), 4);
  record.writeUInt32LE(bytes.length, 8);
  record.writeUInt32LE(length, 12);
  bytes.copy(record, 16);
  return record;
}
