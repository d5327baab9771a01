/** Frames as bytes, for tests of what reads them. */

import { parseAddress } from '../../src/lib/ip.ts';

export interface InnerSpec {
  from: string;
  to: string;
  protocol: number;
  sourcePort?: number;
  destinationPort?: number;
  tcpFlags?: number;
  icmp?: [type: number, code: number];
  fragmentOffset?: number;
}

export const MACS = { outer: ['02:00:00:00:00:01', '02:00:00:00:00:02'], inner: ['0a:00:00:00:00:01', '0a:00:00:00:00:02'] } as const;

const words = (text: string): Buffer => Buffer.concat(parseAddress(text)!.map((word) => {
  const bytes = Buffer.alloc(4);
  bytes.writeUInt32BE(word);
  return bytes;
}));

/** An Ethernet header and what it carries. */
export function ethernet([source, destination]: readonly [string, string], etherType: number, payload: Buffer): Buffer {
  const hex = (mac: string): Buffer => Buffer.from(mac.replaceAll(':', ''), 'hex');
  const type = Buffer.alloc(2);
  type.writeUInt16BE(etherType);
  return Buffer.concat([hex(destination), hex(source), type, payload]);
}

/** An IP packet of either family. */
export function ip({ from, to, protocol, fragmentOffset = 0 }: InnerSpec, payload: Buffer): Buffer {
  if (from.includes(':')) {
    const header = Buffer.alloc(8);
    header[0] = 0x60;
    header.writeUInt16BE(payload.length, 4);
    header[6] = protocol;
    return Buffer.concat([header, words(from), words(to), payload]);
  }
  const header = Buffer.alloc(12);
  header[0] = 0x45;
  header.writeUInt16BE(20 + payload.length, 2);
  header.writeUInt16BE(fragmentOffset, 6);
  header[8] = 64;
  header[9] = protocol;
  return Buffer.concat([header, words(from), words(to), payload]);
}

function transport({ protocol, sourcePort, destinationPort, tcpFlags, icmp }: InnerSpec): Buffer {
  const body = Buffer.alloc(20);
  if (icmp !== undefined) body.set(icmp);
  if (sourcePort !== undefined) body.writeUInt16BE(sourcePort, 0);
  if (destinationPort !== undefined) body.writeUInt16BE(destinationPort, 2);
  if (protocol === 17) body.writeUInt16BE(20, 4);
  if (protocol === 6) [body[12], body[13]] = [0x50, tcpFlags ?? 0];
  return body;
}

export const innerFrame = (inner: InnerSpec): Buffer => ethernet(MACS.inner, inner.from.includes(':') ? 0x86dd : 0x0800, ip(inner, transport(inner)));

/** A frame in VXLAN in UDP in IP, without the outer Ethernet header. */
export function encapsulate(frame: Buffer, { vni = 42, from = '10.0.0.1', to = '10.0.0.2', policy }: { vni?: number; from?: string; to?: string; policy?: number } = {}): Buffer {
  const header = Buffer.alloc(16);
  header.writeUInt16BE(50_000, 0);
  header.writeUInt16BE(4789, 2);
  header.writeUInt16BE(16 + frame.length, 4);
  header[8] = policy === undefined ? 0x08 : 0x88;
  if (policy !== undefined) header.writeUInt16BE(policy, 10);
  header.writeUIntBE(vni, 12, 3);
  return ip({ from, to, protocol: 17 }, Buffer.concat([header, frame]));
}
