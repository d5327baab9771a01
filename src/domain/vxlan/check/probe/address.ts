/** Addresses as sockets want them. */

import { parseAddress } from '../../../../lib/ip.ts';

const AF_INET = 2;
const AF_INET6 = 10;

/** The 4 or 16 bytes of an address that is known to be one. */
export function addressBytes(text: string): Buffer {
  const words = parseAddress(text)!;
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, i) => bytes.writeUInt32BE(word, i * 4));
  return bytes;
}

/** `struct sockaddr_in` or `sockaddr_in6`. */
export function socketAddress(text: string, port: number): Buffer {
  const bytes = addressBytes(text);
  const address = Buffer.alloc(bytes.length === 4 ? 16 : 28);
  address.writeUInt16LE(bytes.length === 4 ? AF_INET : AF_INET6, 0);
  address.writeUInt16BE(port, 2);
  bytes.copy(address, bytes.length === 4 ? 4 : 8);
  return address;
}
