/** A capture file with these packets. `linkType` 1 is Ethernet. */
export function writePcap(packets: readonly Buffer[], linkType = 1): Buffer {
  const words = (...numbers: number[]): Buffer => Buffer.from(Uint32Array.from(numbers).buffer);
  const header = words(0xa1b2_c3d4, 0x0004_0002, 0, 0, 0x4_0000, linkType);
  return Buffer.concat([header, ...packets.flatMap((packet, i) => [words(i, 0, packet.length, packet.length), packet])]);
}
