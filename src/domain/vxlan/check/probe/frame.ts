/** An encapsulated frame that nobody answers: it only has to arrive at the UDP port. */

/** IEEE 802 "local experimental" EtherType: no host has a handler for it. */
const ETHERTYPE = 0x88b5;
/** A VNI is there. @rfc 7348 section 5 */
const FLAGS = 0x08;
const FRAME_BYTES = 60;

/** A VXLAN header with the VNI, and a short frame from `source` to `destination`. */
export function probeFrame(vni: number, source: string, destination: string): Buffer {
  const packet = Buffer.alloc(8 + FRAME_BYTES);
  packet[0] = FLAGS;
  packet.writeUIntBE(vni, 4, 3);
  packet.write(destination.replaceAll(':', ''), 8, 'hex');
  packet.write(source.replaceAll(':', ''), 14, 'hex');
  packet.writeUInt16BE(ETHERTYPE, 20);
  return packet;
}
