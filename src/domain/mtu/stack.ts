/** Encapsulations inside each other: what is left for the packet in the middle. */

import { UsageError } from '../../lib/errors.ts';
import { encapsulation, largestCarried, wrappedBytes, type Encapsulation, type EncapsulationOptions } from './encapsulation.ts';
import type { Family, Header } from './header.ts';

/** Encapsulations around each other, and what carries them. */
export interface StackRequest {
  /** MTU of the link that carries everything. */
  outerMtu: number;
  /** Names as a packet meets them: the first is put around it first, the last is on the wire. */
  encapsulations: readonly string[];
  /** One for all, or one for each encapsulation. */
  underlays: readonly string[];
  options: Omit<EncapsulationOptions, 'underlay'>;
  /** A packet that has to fit. */
  innerMtu?: number;
}

/** One encapsulation of a stack. */
export interface StackLayer {
  encapsulation: string;
  underlay: Family;
  /** MTU of what carries it. */
  outerMtu: number;
  /** The largest packet that it carries then. */
  innerMtu: number;
  overhead: number;
  headers: readonly Header[];
}

/** What a stack leaves. */
export interface StackReport {
  outerMtu: number;
  /** For the packet in the middle, such as a pod's. */
  innerMtu: number;
  overhead: number;
  /** Outermost first. */
  layers: readonly StackLayer[];
  /** The outer MTU that the wanted packet needs. */
  needed?: { innerMtu: number; outerMtu: number; fits: boolean };
  warnings: readonly string[];
}

/** Smallest MTU of a link that carries IPv6. @rfc 8200 section 5 */
const IPV6_MTU = 1280;

/** Works out a stack of encapsulations. @throws UsageError for names and sizes that make no sense. */
export function calculateStack(request: StackRequest): StackReport {
  const { outerMtu, innerMtu: wanted } = request;
  checkMtu(outerMtu);
  if (wanted !== undefined) checkMtu(wanted);
  const inwards = readStack(request).reverse();
  const layers = peel(inwards, outerMtu);
  const innerMtu = layers.at(-1)?.innerMtu ?? outerMtu;
  if (innerMtu < 68) throw new UsageError(`nothing is left of ${outerMtu} bytes: the encapsulations take ${outerMtu - innerMtu}`, { hints: ['IPv4 needs at least 68'] });
  return {
    outerMtu, innerMtu, overhead: outerMtu - innerMtu, layers,
    ...(wanted === undefined ? {} : { needed: needFor(inwards, wanted, outerMtu) }),
    warnings: innerMtu < IPV6_MTU ? [`IPv6 needs an MTU of ${IPV6_MTU}: pods cannot use it with ${innerMtu}`] : [],
  };
}

function readStack({ encapsulations, underlays, options }: StackRequest): Encapsulation[] {
  const families = underlays.map(readFamily);
  if (families.length !== 1 && families.length !== encapsulations.length)
    throw new UsageError(`${families.length} underlays for ${encapsulations.length} encapsulations`, { hints: ['give one for all, or one for each: --encap vxlan,wireguard --underlay ipv4,ipv6'] });
  return encapsulations.map((name, i) => encapsulation(name, { ...options, underlay: families[i] ?? families[0]! }));
}

function readFamily(text: string): Family {
  if (text === 'ipv4' || text === 'ipv6') return text;
  throw new UsageError(`'${text}' is no underlay`, { hints: ['ipv4 or ipv6'] });
}

function peel(inwards: readonly Encapsulation[], outerMtu: number): StackLayer[] {
  const layers: StackLayer[] = [];
  for (const one of inwards) {
    const outer = layers.at(-1)?.innerMtu ?? outerMtu;
    const innerMtu = largestCarried(one, outer);
    layers.push({ encapsulation: one.title, underlay: one.underlay, outerMtu: outer, innerMtu, overhead: outer - innerMtu, headers: one.headers });
  }
  return layers;
}

function needFor(inwards: readonly Encapsulation[], innerMtu: number, outerMtu: number): NonNullable<StackReport['needed']> {
  const needed = inwards.reduceRight((bytes, one) => wrappedBytes(one, bytes), innerMtu);
  return { innerMtu, outerMtu: needed, fits: needed <= outerMtu };
}

function checkMtu(mtu: number): void {
  if (mtu < 68 || mtu > 65_535) throw new UsageError(`an MTU of ${mtu} does not exist`, { hints: ['IPv4 allows 68 to 65535'] });
}
