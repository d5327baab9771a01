import type { Frame } from '../../../lib/packet/frame.ts';

/** `struct bpf_sk_lookup`. @kernel linux/bpf.h */
const BYTES = 72;
const AF_INET = 2;
const AF_INET6 = 10;

/** The context of a socket lookup for a packet that comes in: its source is remote, its destination local. */
export function lookupContext({ ip, ports }: Frame): Buffer {
  const context = Buffer.alloc(BYTES);
  const isIpv4 = ip.source.length === 1;
  context.writeUInt32LE(isIpv4 ? AF_INET : AF_INET6, 8);
  context.writeUInt32LE(ip.protocol, 12);
  // Addresses and the remote port are in network order, the local port in that of the machine.
  ip.source.forEach((word, i) => context.writeUInt32BE(word, (isIpv4 ? 16 : 20) + i * 4));
  context.writeUInt16BE(ports.sourcePort, 36);
  ip.destination.forEach((word, i) => context.writeUInt32BE(word, (isIpv4 ? 40 : 44) + i * 4));
  context.writeUInt32LE(ports.destinationPort, 60);
  return context;
}

/** Cookie of the socket that the program chose; 0 for none. */
export const chosenSocket = (context: Buffer): bigint => (context.length >= 8 ? context.readBigUInt64LE(0) : 0n);
