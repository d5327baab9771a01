import { parseAddress } from '../../../lib/ip.ts';
import type { ConntrackState } from '../model.ts';
import type { Effect, TargetContext } from './effect.ts';
import { optionValue, type TextOption } from './matches/options.ts';
import type { Packet } from './packet.ts';

/** An address and port that nat sets; undefined keeps what the packet has, `unknown` is chosen by the kernel. */
interface Rewrite {
  address: readonly number[] | 'unknown' | undefined;
  ports: { low: number; high: number } | 'unknown' | undefined;
}

/** DNAT: the destination becomes `--to-destination`. */
export function applyDnat(packet: Packet, options: readonly TextOption[]): Effect {
  return mapped(rewriteDestination(packet, parseSocketRange(optionValue(options, '--to-destination') ?? '')));
}

/** REDIRECT: to the node itself, at the address of the input interface, or loopback for its own packets. */
export function applyRedirect(packet: Packet, options: readonly TextOption[], context: TargetContext): Effect {
  const address = context.hook === 'OUTPUT' ? loopback(packet) : context.interfaceAddress(packet.inInterface ?? '');
  const ports = optionValue(options, '--to-ports');
  const rewrite: Rewrite = { address: address ?? 'unknown', ports: ports === undefined ? undefined : parsePorts(ports) };
  return mapped({ ...rewriteDestination(packet, rewrite), redirected: true });
}

/** SNAT: the source becomes `--to-source`. */
export function applySnat(packet: Packet, options: readonly TextOption[]): Effect {
  return mapped(rewriteSource(packet, parseSocketRange(optionValue(options, '--to-source') ?? ''), isRandom(options)));
}

/** MASQUERADE: the source becomes the address of the output interface. */
export function applyMasquerade(packet: Packet, options: readonly TextOption[], context: TargetContext): Effect {
  const ports = optionValue(options, '--to-ports');
  const address = context.interfaceAddress(packet.outInterface ?? '') ?? 'unknown';
  return mapped(rewriteSource(packet, { address, ports: ports === undefined ? undefined : parsePorts(ports) }, isRandom(options)));
}

/** NETMAP: the network part of the destination (before routing) or source (after it) becomes that of `--to`. */
export function applyNetmap(packet: Packet, options: readonly TextOption[], context: TargetContext): Effect {
  const before = context.hook === 'PREROUTING' || context.hook === 'OUTPUT';
  const old = before ? packet.destination : packet.source;
  const address = old === undefined ? 'unknown' : mapNetwork(old, optionValue(options, '--to') ?? '');
  const rewrite: Rewrite = { address, ports: undefined };
  return mapped(before ? rewriteDestination(packet, rewrite) : rewriteSource(packet, rewrite, false));
}

const mapped = (packet: Packet): Effect => ({ kind: 'end', verdict: 'accept', packet, mapped: true });

const isRandom = (options: readonly TextOption[]): boolean => options.some(({ name }) => name.startsWith('--random'));

const loopback = (packet: Packet): number[] => (packet.family === 'ipv4' ? [0x7f00_0001] : [0, 0, 0, 1]);

function rewriteDestination(packet: Packet, rewrite: Rewrite): Packet {
  const destination = rewriteAddress(packet.destination, rewrite);
  const destinationPort = rewritePort(packet.destinationPort, rewrite);
  const changed = !sameWords(destination, packet.destination) || destinationPort !== packet.destinationPort;
  return { ...packet, destination, destinationPort, states: changed ? withState(packet.states, 'DNAT') : packet.states };
}

function rewriteSource(packet: Packet, rewrite: Rewrite, random: boolean): Packet {
  const source = rewriteAddress(packet.source, rewrite);
  const sourcePort = random ? undefined : rewritePort(packet.sourcePort, rewrite);
  const changed = !sameWords(source, packet.source) || sourcePort !== packet.sourcePort;
  return { ...packet, source, sourcePort, states: changed ? withState(packet.states, 'SNAT') : packet.states };
}

function rewriteAddress(old: Packet['source'], { address }: Rewrite): Packet['source'] {
  if (address === undefined) return old;
  return address === 'unknown' ? undefined : address;
}

/** The nat core keeps a port that lies in the range, and otherwise picks one. */
function rewritePort(old: number | undefined, { ports }: Rewrite): number | undefined {
  if (ports === undefined) return old;
  if (ports === 'unknown') return undefined;
  if (ports.low === ports.high) return ports.low;
  return old !== undefined && ports.low <= old && old <= ports.high ? old : undefined;
}

const sameWords = (a: Packet['source'], b: Packet['source']): boolean =>
  a !== undefined && b !== undefined && a.every((word, index) => word === b[index]);

const withState = (states: Packet['states'], state: ConntrackState): Packet['states'] =>
  states === undefined || states.includes(state) ? states : [...states, state];

/** `10.0.0.1`, `10.0.0.1-10.0.0.9:80-90`, `:8080`, `[fd00::1]:80`, `fd00::1-fd00::9`. */
function parseSocketRange(text: string): Rewrite {
  const [, bracketed, plain, ports] = /^(?:\[([^\]]*)\]|([^[\]]*?))(?::([0-9-]+(?:\/\d+)?))?$/.exec(separatePort(text)) ?? [];
  const addresses = bracketed ?? plain ?? '';
  return {
    address: addresses === '' ? undefined : parseSingleAddress(addresses),
    ports: ports === undefined ? undefined : parsePorts(ports),
  };
}

/** A bare IPv6 address has no port: bracket it, so that its last group is not taken for one. */
const separatePort = (text: string): string =>
  !text.startsWith('[') && text.split(':').length > 2 ? `[${text}]` : text;

/** A range of more than one address is the kernel's choice. */
function parseSingleAddress(text: string): readonly number[] | 'unknown' {
  const [low = '', high = low] = text.split('-');
  return low === high ? parseAddress(low) ?? 'unknown' : 'unknown';
}

function parsePorts(text: string): Rewrite['ports'] {
  if (text.includes('/')) return 'unknown';
  const [low = Number.NaN, high = low] = text.split('-').map(Number);
  return Number.isInteger(low) && Number.isInteger(high) ? { low, high } : 'unknown';
}

/** `--to` is `network/length` or `network/mask`. */
function mapNetwork(old: readonly number[], text: string): readonly number[] | 'unknown' {
  const [networkText = '', maskText] = text.split('/');
  const network = parseAddress(networkText);
  if (network === undefined || network.length !== old.length) return 'unknown';
  const mask = maskText !== undefined && /[.:]/.test(maskText) ? parseAddress(maskText) : prefixMask(old.length, Number(maskText ?? 32 * old.length));
  return mask === undefined ? 'unknown' : old.map((word, index) => ((word & ~mask[index]!) | (network[index]! & mask[index]!)) >>> 0);
}

/** The mask of a prefix length over `words` 32-bit words. */
function prefixMask(words: number, length: number): number[] {
  return Array.from({ length: words }, (_, index) => {
    const bits = Math.min(32, Math.max(0, length - 32 * index));
    return bits === 0 ? 0 : (0xffff_ffff << (32 - bits)) >>> 0;
  });
}
