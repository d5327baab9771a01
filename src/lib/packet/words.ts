/** Packets in words: `udp 10.0.0.1:5000 > 10.0.0.2:53 payload hello`. */

import { UsageError } from '../errors.ts';
import { parseEndpoint, type Endpoint } from './endpoint.ts';
import type { Frame } from './frame.ts';
import { parseIcmpType, parseTcpFlags, protocolNumber, PROTOCOLS } from './names.ts';

/** What stands in the words; the rest has usual values. */
interface Reading {
  words: string[];
  frame: Frame;
}

const WITH_PORTS = [6, 17, 33, 132, 136];
const ICMP = 1;
const ICMPV6 = 58;
const EXAMPLES = [
  "'udp 10.0.0.1:5000 > 10.0.0.2:53 payload hello'", "'tcp 10.0.0.1:40000 > 10.0.0.2:443 flags syn,ack ttl 3'", "'vlan 100 icmp 10.0.0.1 > 10.0.0.2 type 3/1'",
  "'eth 02:00:00:00:00:01 > 02:00:00:00:00:02 tcp [fd00::1]:1 > [fd00::2]:80'",
];

/**
 * Reads a frame: `[eth MAC > MAC] [vlan ID]… PROTOCOL SOURCE[:PORT] > DESTINATION[:PORT] [OPTION VALUE]… [payload TEXT|hex:HEX]`.
 *
 * Options are flags, seq, ack, window (TCP), type (ICMP), ttl, tos, id, frag (`OFFSET` in bytes, with `+` when more follow) and
 * len (bytes of zeros as payload).
 *
 * @throws UsageError SL2560 naming the word that cannot be understood.
 */
export function parsePacketWords(text: string): Frame {
  const [head = '', payload] = splitPayload(text);
  const reading: Reading = { words: head.split(/\s+/).filter((word) => word !== ''), frame: usualFrame() };
  readEthernet(reading);
  readVlans(reading);
  const protocol = take(reading, 'a protocol');
  const ends = readPair(reading, 'SOURCE > DESTINATION', (word) => readEndpoint(word));
  setEnds(reading.frame, protocol, ends);
  while (reading.words.length > 0) readOption(reading);
  return payload === undefined ? reading.frame : { ...reading.frame, payload: readPayload(payload) };
}

const usualFrame = (): Frame => ({
  sourceMac: Buffer.from([2, 0, 0, 0, 0, 1]), destinationMac: Buffer.from([2, 0, 0, 0, 0, 2]), vlans: [], ip: { source: [], destination: [], protocol: 0 },
  ports: { sourcePort: 0, destinationPort: 0 }, tcp: { flags: 2, sequence: 0, acknowledgment: 0, window: 0xffff }, icmp: { type: 8, code: 0 }, payload: Buffer.alloc(0),
});

/** What stands behind the word `payload`, blanks and all. */
function splitPayload(text: string): [string, string?] {
  const match = /(^|\s)payload\s([\s\S]*)$/.exec(text);
  return match === null ? [text] : [text.slice(0, match.index), match[2]!];
}

function readPayload(text: string): Buffer {
  if (!text.startsWith('hex:')) return Buffer.from(text);
  const hex = text.slice(4).replaceAll(/[\s:]/g, '');
  if (!/^([0-9a-f]{2})*$/i.test(hex)) throw unreadable(text, 'hex: is followed by pairs of hexadecimal digits');
  return Buffer.from(hex, 'hex');
}

function readEthernet(reading: Reading): void {
  if (reading.words[0] !== 'eth') return;
  reading.words.shift();
  const [sourceMac, destinationMac] = readPair(reading, 'MAC > MAC', readMac);
  Object.assign(reading.frame, { sourceMac, destinationMac });
}

function readMac(word: string): Buffer {
  if (!/^[0-9a-f]{2}([:-][0-9a-f]{2}){5}$/i.test(word)) throw unreadable(word, 'a MAC address is written 02:00:00:00:00:01');
  return Buffer.from(word.replaceAll(/[:-]/g, ''), 'hex');
}

function readVlans(reading: Reading): void {
  while (reading.words[0] === 'vlan') {
    reading.words.shift();
    reading.frame.vlans.push(readNumber('vlan', take(reading, 'a VLAN id'), 4095));
  }
}

function readEndpoint(word: string): Endpoint {
  const endpoint = parseEndpoint(word);
  if (endpoint === undefined) throw unreadable(word, 'write ADDRESS, ADDRESS:PORT or [ADDRESS]:PORT');
  if ((endpoint.port ?? 0) > 0xffff) throw unreadable(word, 'ports end at 65535');
  return endpoint;
}

function setEnds(frame: Frame, protocol: string, [from, to]: [Endpoint, Endpoint]): void {
  if (from.address.length !== to.address.length) throw unreadable(protocol, 'the addresses are of different families');
  const isIpv6 = from.address.length === 4;
  const name = protocol.toLowerCase();
  const number = isIpv6 && name === 'icmp' ? ICMPV6 : protocolNumber(name);
  if (number === undefined) throw unreadable(protocol, `protocols are ${Object.keys(PROTOCOLS).join(', ')}, or a number to 255`);
  if (!WITH_PORTS.includes(number) && (from.port ?? to.port) !== undefined) throw unreadable(protocol, 'this protocol has no ports');
  Object.assign(frame.ip, { source: from.address, destination: to.address, protocol: number });
  frame.ports = { sourcePort: from.port ?? 0, destinationPort: to.port ?? 0 };
  if (isIpv6) frame.icmp = { type: 128, code: 0 };
}

/** Options by name; each says what it is for, where not every packet has it. */
const OPTIONS: Readonly<Record<string, { protocols?: readonly number[]; set: (frame: Frame, value: string) => void }>> = {
  flags: { protocols: [6], set: ({ tcp }, value) => void (tcp.flags = readFlags(value)) },
  seq: { protocols: [6], set: ({ tcp }, value) => void (tcp.sequence = readNumber('seq', value, 0xffff_ffff)) },
  ack: { protocols: [6], set: ({ tcp }, value) => void (tcp.acknowledgment = readNumber('ack', value, 0xffff_ffff)) },
  window: { protocols: [6], set: ({ tcp }, value) => void (tcp.window = readNumber('window', value, 0xffff)) },
  type: { protocols: [ICMP, ICMPV6], set: (frame, value) => void (frame.icmp = readIcmp(frame, value)) },
  ttl: { set: ({ ip }, value) => void (ip.ttl = readNumber('ttl', value, 255)) },
  tos: { set: ({ ip }, value) => void (ip.tos = readNumber('tos', value, 255)) },
  id: { set: ({ ip }, value) => void (ip.id = readNumber('id', value, 0xffff)) },
  frag: { set: ({ ip }, value) => void (ip.fragment = readFragment(value)) },
  len: { set: (frame, value) => void (frame.payload = Buffer.alloc(readNumber('len', value, 65_000))) },
};

function readOption(reading: Reading): void {
  const name = take(reading, 'an option');
  const option = Object.hasOwn(OPTIONS, name) ? OPTIONS[name] : undefined;
  if (option === undefined) throw unreadable(name, `options are ${Object.keys(OPTIONS).join(', ')}, payload`);
  const value = take(reading, `a value of ${name}`);
  if (option.protocols?.includes(reading.frame.ip.protocol) === false) throw unreadable(name, 'this protocol has no such field');
  option.set(reading.frame, value);
}

function readFlags(value: string): number {
  const flags = parseTcpFlags(value);
  if (flags === undefined) throw unreadable(value, 'flags are names such as syn,ack');
  return flags;
}

function readIcmp({ ip }: Frame, value: string): { type: number; code: number } {
  const icmp = parseIcmpType(value, ip.source.length === 1 ? 'ipv4' : 'ipv6');
  if (icmp === undefined) throw unreadable(value, 'write TYPE, TYPE/CODE or a name such as echo-request');
  return icmp;
}

function readFragment(value: string): { offset: number; more: boolean } {
  const bytes = readNumber('frag', value.replace(/\+$/, ''), 65_528);
  if (bytes % 8 !== 0) throw unreadable(value, 'fragments begin at multiples of 8 bytes');
  return { offset: bytes / 8, more: value.endsWith('+') };
}

function readNumber(name: string, word: string, most: number): number {
  const number = /^(0x[0-9a-f]+|\d+)$/i.test(word) ? Number(word) : Number.NaN;
  if (!(number <= most)) throw unreadable(word, `${name} is a number to ${most}`);
  return number;
}

/** `A > B`. */
function readPair<T>(reading: Reading, what: string, read: (word: string) => T): [T, T] {
  const from = read(take(reading, what));
  const arrow = take(reading, `> in ${what}`);
  if (arrow !== '>') throw unreadable(arrow, `write ${what}`);
  return [from, read(take(reading, what))];
}

function take({ words }: Reading, what: string): string {
  const word = words.shift();
  if (word === undefined) throw unreadable('', `${what} is missing`);
  return word;
}

const unreadable = (word: string, why: string): UsageError =>
  new UsageError(word === '' ? `not a packet: ${why}` : `not a packet: '${word}': ${why}`, { code: 'SL2560', hints: EXAMPLES.map((example) => `--packet ${example}`) });
