import { formatAddress, parseAddress } from '../../../lib/ip.ts';
import { getRoute, showAddresses, showLocalTable } from '../../../tools/index.ts';
import type { Family } from '../model.ts';
import type { AddressType } from './answer.ts';
import type { Packet } from './packet.ts';
import { sameAddress, staticType, type Origin, type Route, type Routing } from './routing.ts';

/** Routing as the node (or one network namespace of it) does it now. */
export interface NodeRouting extends Routing {
  /** The interface by which the node would answer this address: where its packets come in, unless routing is asymmetric. */
  inputInterface(source: readonly number[]): Promise<string | undefined>;
  hasInterface(name: string): boolean;
}

/**
 * Reads the node's addresses; each routing decision is asked of the kernel when it is needed.
 *
 * @throws ToolError when `ip` fails; UnsupportedError when it is not installed.
 */
export async function readRouting(family: Family, netns: string | undefined): Promise<NodeRouting> {
  const [addresses, localTable] = await Promise.all([showAddresses(netns), showLocalTable(family === 'ipv4' ? 4 : 6, netns)]);
  const interfaces = JSON.parse(addresses) as Interface[];
  const local = parseLocalTable(JSON.parse(localTable) as LocalRoute[]);
  const asked = new Map<string, Promise<Route>>();
  return {
    addressType: (address) => typeOf(address, local),
    interfaceAddress: (name, wanted) => firstAddress(interfaces, name, wanted),
    route: (packet, origin) => {
      const words = routeWords(packet, origin);
      if (typeof words === 'string') return Promise.resolve({ kind: 'unknown', why: words });
      const key = words.join(' ');
      const answer = asked.get(key) ?? askRoute(words, netns);
      asked.set(key, answer);
      return answer;
    },
    hasInterface: (name) => interfaces.some(({ ifname }) => ifname === name),
    inputInterface: async (source) => {
      const route = await askRoute([formatAddress(source)], netns);
      return route.kind === 'out' ? route.interface : undefined;
    },
  };
}

interface Interface {
  ifname: string;
  addr_info?: { family: string; local?: string; scope: string }[];
}

interface LocalRoute {
  type: string;
  dst: string;
}

interface TypedPrefix {
  address: readonly number[];
  length: number;
  type: AddressType;
}

const ADDRESS_TYPES: readonly AddressType[] = ['LOCAL', 'BROADCAST', 'MULTICAST'];

/** Longest prefix first. */
function parseLocalTable(routes: readonly LocalRoute[]): TypedPrefix[] {
  const prefixes = routes.flatMap(({ type, dst }) => {
    const [text = '', length] = dst.split('/');
    const address = parseAddress(text);
    const known = ADDRESS_TYPES.find((name) => name === type.toUpperCase());
    return address === undefined || known === undefined ? [] : [{ address, length: Number(length ?? 32 * address.length), type: known }];
  });
  return prefixes.sort((a, b) => b.length - a.length);
}

/** @kernel net/ipv4/fib_frontend.c __inet_dev_addr_type asks the table `local` only: everything else is UNICAST */
function typeOf(address: readonly number[], local: readonly TypedPrefix[]): AddressType {
  const fixed = staticType(address);
  if (fixed !== undefined && fixed !== 'LOCAL') return fixed;
  return local.find((prefix) => covers(prefix, address))?.type ?? 'UNICAST';
}

function covers({ address: network, length }: TypedPrefix, address: readonly number[]): boolean {
  const bits = (words: readonly number[]): string => words.map((word) => word.toString(2).padStart(32, '0')).join('').slice(0, length);
  return length === 32 * address.length ? sameAddress(network, address) : bits(network) === bits(address);
}

/** IPv6 prefers an address of global scope; IPv4 takes the first. */
function firstAddress(interfaces: readonly Interface[], name: string, family: Family): number[] | undefined {
  const wanted = family === 'ipv4' ? 'inet' : 'inet6';
  const all = interfaces.find(({ ifname }) => ifname === name)?.addr_info?.filter((info) => info.family === wanted) ?? [];
  const text = (all.find(({ scope }) => scope === 'global') ?? all[0])?.local;
  return text === undefined ? undefined : parseAddress(text);
}

/** The question to `ip route get`; a string says why there is none. */
function routeWords(packet: Packet, origin: Origin): string[] | string {
  const { source, destination, inInterface, mark } = packet;
  if (destination === undefined) return 'the kernel chooses the destination, and the route with it';
  if (origin === 'outside' && staticType(destination) === 'MULTICAST') return 'multicast routing is not followed';
  const input = origin === 'outside' && inInterface !== undefined ? ['iif', inInterface] : [];
  return [
    formatAddress(destination),
    ...(source === undefined || (origin === 'outside' && input.length === 0) ? [] : ['from', formatAddress(source), ...input]),
    ...(mark === undefined || mark === 0 ? [] : ['mark', String(mark)]),
  ];
}

async function askRoute(words: readonly string[], netns: string | undefined): Promise<Route> {
  const { stdout, stderr, exitCode } = await getRoute(words, netns);
  if (exitCode !== 0) return { kind: 'unreachable', why: stderr.trim().replace(/^RTNETLINK answers: /, '').split('\n')[0] ?? '' };
  const [route] = JSON.parse(stdout) as { type?: string; dev?: string }[];
  if (route?.type === 'local' || route?.type === 'broadcast') return { kind: 'local' };
  if (route?.type === 'unreachable' || route?.type === 'prohibit' || route?.type === 'blackhole') return { kind: 'unreachable', why: route.type };
  return { kind: 'out', interface: route?.dev };
}
