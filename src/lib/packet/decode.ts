/** The fields of a packet, from its bytes. */

import { formatAddress } from '../ip.ts';
import { formatTcpFlags, protocolName } from './names.ts';

/** A field by layer and name (`ip.ttl`), where it stands in bytes, and its value for people. */
export interface PacketField {
  name: string;
  at: number;
  length: number;
  value: string;
}

const ETHERNET = 14;
const VLAN_TYPES = [0x8100, 0x88a8];
const IPV4 = 0x0800;
const IPV6 = 0x86dd;
const ARP = 0x0806;
const TCP = 6;
const UDP = 17;
const SCTP = 132;
const VXLAN_PORT = 4789;
/** More headers than any packet has. */
const MAX_LAYERS = 16;

/**
 * Reads a frame as far as its headers are known and whole. Without an Ethernet header that fits it is read from the IP header on. A
 * layer that comes again has its number behind it: `ip:2.ttl`.
 */
export function decodePacket(bytes: Buffer): PacketField[] {
  const decoder = new Decoder(bytes);
  const isFrame = bytes.length >= ETHERNET && [IPV4, IPV6, ARP, ...VLAN_TYPES].includes(bytes.readUInt16BE(12));
  if (isFrame || !looksLikeIp(bytes)) decoder.ethernet(0);
  else decoder.ip(0);
  return decoder.fields;
}

/** One line: `udp 10.0.0.1:5000 > 10.0.0.2:53`, of the innermost headers. */
export function summarizePacket(fields: readonly PacketField[]): string {
  const value = (name: string): string | undefined => fields.findLast((field) => field.name.replace(/:\d+\./, '.') === name)?.value;
  const [source, destination] = [value('ip.src') ?? value('ip6.src'), value('ip.dst') ?? value('ip6.dst')];
  if (source === undefined || destination === undefined) return value('eth.type') === undefined ? 'bytes' : `ethernet ${value('eth.src')} > ${value('eth.dst')} type ${value('eth.type')}`;
  const transport = ['tcp', 'udp', 'sctp'].find((name) => value(`${name}.sport`) !== undefined);
  if (transport === undefined) return `${value('ip.protocol') ?? value('frag.next') ?? value('ext.next') ?? value('ip6.next')} ${source} > ${destination}`;
  return `${transport} ${withPort(source, value(`${transport}.sport`)!)} > ${withPort(destination, value(`${transport}.dport`)!)}`;
}

const withPort = (address: string, port: string): string => (address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`);

function looksLikeIp(bytes: Buffer): boolean {
  if (bytes.length >= 20 && bytes[0]! >> 4 === 4) return bytes.readUInt16BE(2) <= bytes.length;
  return bytes.length >= 40 && bytes[0]! >> 4 === 6 && bytes.readUInt16BE(4) + 40 <= bytes.length;
}

class Decoder {
  readonly fields: PacketField[] = [];
  readonly #bytes: Buffer;
  readonly #seen = new Map<string, number>();
  #layers = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  ethernet(at: number): void {
    const layer = this.#layer('eth', at, ETHERNET);
    if (layer === undefined) return this.#payload(at);
    layer('dst', 0, 6, (part) => mac(part));
    layer('src', 6, 6, (part) => mac(part));
    layer('type', 12, 2, (part) => hex16(part));
    this.#behind(this.#bytes.readUInt16BE(at + 12), at + ETHERNET);
  }

  ip(at: number): void {
    if (this.#bytes[at]! >> 4 === 6) this.#ipv6(at);
    else this.#ipv4(at);
  }

  #behind(type: number, at: number): void {
    if (VLAN_TYPES.includes(type)) return this.#vlan(at);
    if (type === IPV4) return this.#ipv4(at);
    if (type === IPV6) return this.#ipv6(at);
    return type === ARP ? this.#arp(at) : this.#payload(at);
  }

  #vlan(at: number): void {
    const layer = this.#layer('vlan', at, 4);
    if (layer === undefined) return this.#payload(at);
    layer('priority', 0, 2, (part) => String(part.readUInt16BE(0) >> 13));
    layer('id', 0, 2, (part) => String(part.readUInt16BE(0) & 0xfff));
    layer('type', 2, 2, (part) => hex16(part));
    this.#behind(this.#bytes.readUInt16BE(at + 2), at + 4);
  }

  #arp(at: number): void {
    const layer = this.#layer('arp', at, 28);
    if (layer === undefined) return this.#payload(at);
    layer('operation', 6, 2, number16);
    layer('sender-mac', 8, 6, (part) => mac(part));
    layer('sender', 14, 4, address);
    layer('target-mac', 18, 6, (part) => mac(part));
    layer('target', 24, 4, address);
  }

  #ipv4(at: number): void {
    const length = ((this.#bytes[at] ?? 0) & 15) * 4;
    const layer = this.#layer('ip', at, Math.max(20, length));
    if (layer === undefined) return this.#payload(at);
    layer('tos', 1, 1, number8);
    layer('length', 2, 2, number16);
    layer('id', 4, 2, number16);
    layer('frag', 6, 2, (part) => fragment(part.readUInt16BE(0)));
    layer('ttl', 8, 1, number8);
    layer('protocol', 9, 1, (part) => protocolName(part[0]!));
    layer('checksum', 10, 2, hex16);
    layer('src', 12, 4, address);
    layer('dst', 16, 4, address);
    if (length > 20) layer('options', 20, length - 20, (part) => part.toString('hex'));
    if ((this.#bytes.readUInt16BE(at + 6) & 0x1fff) > 0) return this.#payload(at + length);
    this.#transport(this.#bytes[at + 9]!, at + Math.max(20, length));
  }

  #ipv6(at: number): void {
    const layer = this.#layer('ip6', at, 40);
    if (layer === undefined) return this.#payload(at);
    layer('class', 0, 2, (part) => String((part.readUInt16BE(0) >> 4) & 255));
    layer('flow', 0, 4, (part) => `0x${(part.readUInt32BE(0) & 0xf_ffff).toString(16)}`);
    layer('length', 4, 2, number16);
    layer('next', 6, 1, (part) => protocolName(part[0]!));
    layer('ttl', 7, 1, number8);
    layer('src', 8, 16, address);
    layer('dst', 24, 16, address);
    this.#transport(this.#bytes[at + 6]!, at + 40);
  }

  #transport(protocol: number, at: number): void {
    switch (protocol) {
      case TCP: return this.#tcp(at);
      case UDP: return this.#udp(at);
      case SCTP: return this.#ports('sctp', at, 12);
      case 1: return this.#icmp('icmp', at);
      case 58: return this.#icmp('icmp6', at);
      case 0: case 43: case 60: return this.#extension(at);
      case 44: return this.#fragment(at);
      case 4: return this.#ipv4(at);
      case 41: return this.#ipv6(at);
      default: return this.#payload(at);
    }
  }

  /** Hop-by-hop, routing and destination options. @rfc 8200 §4 */
  #extension(at: number): void {
    const length = ((this.#bytes[at + 1] ?? 0) + 1) * 8;
    const layer = this.#layer('ext', at, length);
    if (layer === undefined) return this.#payload(at);
    layer('next', 0, 1, (part) => protocolName(part[0]!));
    layer('options', 2, length - 2, (part) => part.toString('hex'));
    this.#transport(this.#bytes[at]!, at + length);
  }

  #fragment(at: number): void {
    const layer = this.#layer('frag', at, 8);
    if (layer === undefined) return this.#payload(at);
    layer('next', 0, 1, (part) => protocolName(part[0]!));
    layer('offset', 2, 2, (part) => String(part.readUInt16BE(0) & 0xfff8));
    layer('more', 3, 1, (part) => String(part[0]! & 1));
    layer('id', 4, 4, number32);
    if ((this.#bytes.readUInt16BE(at + 2) & 0xfff8) > 0) this.#payload(at + 8);
    else this.#transport(this.#bytes[at]!, at + 8);
  }

  #tcp(at: number): void {
    const length = ((this.#bytes[at + 12] ?? 0) >> 4) * 4;
    const layer = this.#layer('tcp', at, Math.max(20, length));
    if (layer === undefined) return this.#payload(at);
    layer('sport', 0, 2, number16);
    layer('dport', 2, 2, number16);
    layer('seq', 4, 4, number32);
    layer('ack', 8, 4, number32);
    layer('flags', 13, 1, (part) => formatTcpFlags(part[0]!));
    layer('window', 14, 2, number16);
    layer('checksum', 16, 2, hex16);
    layer('urgent', 18, 2, number16);
    if (length > 20) layer('options', 20, length - 20, (part) => part.toString('hex'));
    this.#payload(at + Math.max(20, length));
  }

  #udp(at: number): void {
    const layer = this.#layer('udp', at, 8);
    if (layer === undefined) return this.#payload(at);
    layer('sport', 0, 2, number16);
    layer('dport', 2, 2, number16);
    layer('length', 4, 2, number16);
    layer('checksum', 6, 2, hex16);
    if (this.#bytes.readUInt16BE(at + 2) === VXLAN_PORT) this.#vxlan(at + 8);
    else this.#payload(at + 8);
  }

  #vxlan(at: number): void {
    const layer = this.#layer('vxlan', at, 8);
    if (layer === undefined) return this.#payload(at);
    layer('flags', 0, 1, (part) => `0x${part.toString('hex')}`);
    layer('vni', 4, 3, (part) => String(part.readUIntBE(0, 3)));
    this.ethernet(at + 8);
  }

  #icmp(name: string, at: number): void {
    const layer = this.#layer(name, at, 8);
    if (layer === undefined) return this.#payload(at);
    layer('type', 0, 1, number8);
    layer('code', 1, 1, number8);
    layer('checksum', 2, 2, hex16);
    layer('rest', 4, 4, (part) => part.toString('hex'));
    this.#payload(at + 8);
  }

  #ports(name: string, at: number, length: number): void {
    const layer = this.#layer(name, at, length);
    if (layer === undefined) return this.#payload(at);
    layer('sport', 0, 2, number16);
    layer('dport', 2, 2, number16);
    layer('tag', 4, 4, number32);
    layer('checksum', 8, 4, (part) => part.toString('hex'));
    this.#payload(at + length);
  }

  #payload(at: number): void {
    const rest = this.#bytes.subarray(at);
    if (rest.length > 0) this.fields.push({ name: 'payload', at, length: rest.length, value: rest.toString('hex') });
  }

  /** Adds fields of a header that is whole; undefined for one that is cut off. */
  #layer(name: string, at: number, length: number): ((field: string, offset: number, size: number, read: (part: Buffer) => string) => void) | undefined {
    if (at + length > this.#bytes.length || ++this.#layers > MAX_LAYERS) return undefined;
    const count = (this.#seen.get(name) ?? 0) + 1;
    this.#seen.set(name, count);
    const layer = count === 1 ? name : `${name}:${count}`;
    return (field, offset, size, read) =>
      void this.fields.push({ name: `${layer}.${field}`, at: at + offset, length: size, value: read(this.#bytes.subarray(at + offset, at + offset + size)) });
  }
}

const number8 = (part: Buffer): string => String(part[0]!);
const number16 = (part: Buffer): string => String(part.readUInt16BE(0));
const number32 = (part: Buffer): string => String(part.readUInt32BE(0));
const hex16 = (part: Buffer): string => `0x${part.toString('hex')}`;
const mac = (part: Buffer): string => part.toString('hex').replaceAll(/(..)(?=.)/g, '$1:');
const address = (part: Buffer): string => formatAddress(Array.from({ length: part.length / 4 }, (_, i) => part.readUInt32BE(i * 4)));
const fragment = (word: number): string => [`${(word & 0x1fff) * 8}`, (word & 0x4000) === 0 ? '' : 'DF', (word & 0x2000) === 0 ? '' : 'MF'].filter((part) => part !== '').join(' ');
