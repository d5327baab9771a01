/** The Internet checksum over parts one after the other; each but the last has an even length. @rfc 1071 */
export function internetChecksum(...parts: readonly Buffer[]): number {
  let sum = 0;
  for (const part of parts) {
    for (let i = 0; i + 1 < part.length; i += 2) sum += part.readUInt16BE(i);
    if (part.length % 2 === 1) sum += part[part.length - 1]! << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + Math.floor(sum / 0x1_0000);
  return ~sum & 0xffff;
}

/** What TCP, UDP and ICMPv6 have checksummed in front of them; addresses as words in host order. @rfc 9293 §3.1, 8200 §8.1 */
export function pseudoHeader(source: readonly number[], destination: readonly number[], protocol: number, length: number): Buffer {
  const words = [...source, ...destination, length, protocol];
  const bytes = Buffer.alloc(words.length * 4);
  words.forEach((word, i) => bytes.writeUInt32BE(word, i * 4));
  return bytes;
}

/** CRC32c, as SCTP has it in its header: the value to write little endian. @rfc 9260 appendix A */
export function crc32c(bytes: Buffer): number {
  let crc = 0xffff_ffff;
  for (const byte of bytes) {
    crc ^= byte;
    for (let bit = 0; bit < 8; bit++) crc = (crc & 1) === 1 ? (crc >>> 1) ^ 0x82f6_3b78 : crc >>> 1;
  }
  return ~crc >>> 0;
}
