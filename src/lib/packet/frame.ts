import { icmpMessage, ipPacket, portsBytes, sctpPacket, tcpSegment, udpDatagram, type IpHeader, type Ports } from './headers.ts';

/** An Ethernet frame with one IP packet. */
export interface Frame {
  /** 6 bytes each. */
  sourceMac: Buffer;
  destinationMac: Buffer;
  /** VLAN ids from the outside in. */
  vlans: number[];
  ip: IpHeader;
  ports: Ports;
  tcp: { flags: number; sequence: number; acknowledgment: number; window: number };
  icmp: { type: number; code: number };
  payload: Buffer;
}

const TCP = 6;
const UDP = 17;
const UDPLITE = 136;
const SCTP = 132;
const ICMP = 1;
const ICMPV6 = 58;
const DCCP = 33;
const TPID = 0x8100;
const OUTER_TPID = 0x88a8;
/** An INIT chunk of SCTP: tag 1, window 1 MiB, one stream each way, first TSN 1. */
const INIT_CHUNK = Buffer.from('0100001400000001001000000001000100000001', 'hex');

/** The frame as bytes, all checksums right. */
export function frameBytes(frame: Frame): Buffer {
  const tags = frame.vlans.map((id, i) => tagBytes(frame.vlans.length > 1 && i === 0 ? OUTER_TPID : TPID, id));
  const type = frame.ip.source.length === 1 ? 0x0800 : 0x86dd;
  return Buffer.concat([frame.destinationMac, frame.sourceMac, ...tags, Buffer.from([type >> 8, type & 255]), ipPacket(frame.ip, transportBytes(frame))]);
}

const tagBytes = (tpid: number, id: number): Buffer => Buffer.from([tpid >> 8, tpid & 255, id >> 8, id & 255]);

/** A further fragment has no header of its own. */
function transportBytes({ ip, ports, tcp, icmp, payload }: Frame): Buffer {
  if ((ip.fragment?.offset ?? 0) > 0) return payload;
  switch (ip.protocol) {
    case TCP: return tcpSegment(ip, { ...ports, ...tcp }, payload);
    case UDP: case UDPLITE: return udpDatagram(ip, ports, payload);
    case SCTP: return sctpPacket(ports, 0, payload.length === 0 ? INIT_CHUNK : payload);
    case ICMP: case ICMPV6: return icmpMessage(ip, icmp, Buffer.concat([Buffer.from([0, 1, 0, 1]), payload]));
    case DCCP: return Buffer.concat([portsBytes(ports, 12), payload]);
    default: return payload;
  }
}
