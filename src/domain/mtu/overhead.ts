/** What each encapsulation costs: the short table that people remember, and the exact one behind it. */

import { UsageError } from '../../lib/errors.ts';
import { CIPHERS } from './cipher.ts';
import { encapsulation, largestCarried, largestOverhead, type EncapsulationName, type EncapsulationOptions } from './encapsulation.ts';
import type { Family, Header } from './header.ts';

/** A line of the short table: an IPv4 underlay, no options. */
export interface QuickOverhead {
  encapsulation: string;
  /** The most that is added to any packet. */
  overhead: number;
  /** An MTU that always fits: the outer one less the overhead. */
  innerMtu: number;
}

/** A line of the exact table. */
export interface ExactOverhead extends QuickOverhead {
  underlay: Family;
  /** How it differs from the plain form; empty for that. */
  variant: string;
  /** The largest packet that fits: more than `innerMtu` where padding happens to cost less than it may. */
  largest: number;
  /** What the overhead is made of, outermost first. */
  headers: readonly Header[];
  /** Up to this many bytes of padding are in the overhead. */
  padding: number;
}

/** Both tables. */
export interface OverheadReport {
  /** MTU of the link that carries the tunnel. */
  outerMtu: number;
  quick: readonly QuickOverhead[];
  exact: readonly ExactOverhead[];
}

/** An IPv4 underlay and nothing that costs extra. */
export const PLAIN: EncapsulationOptions = { underlay: 'ipv4', vlan: false, geneveOptions: 0, ipsecMode: 'tunnel', cipher: 'aes-cbc-sha1', natTraversal: false };

/** Smallest MTU that IPv4 allows. @rfc 791 */
const LEAST_MTU = 68;

/** Both tables for an outer MTU. @throws UsageError for one that IPv4 does not allow. */
export function listOverheads(outerMtu: number): OverheadReport {
  if (outerMtu < LEAST_MTU || outerMtu > 65_535) throw new UsageError(`an MTU of ${outerMtu} does not exist`, { hints: ['IPv4 allows 68 to 65535'] });
  const quick = (['none', 'vxlan', 'geneve', 'wireguard', 'ipsec'] as const).map((name) => exactOverhead(name, '', {}, outerMtu));
  return {
    outerMtu,
    quick: quick.map(({ encapsulation: title, overhead, innerMtu }) => ({ encapsulation: title.replace(/\(AES-CBC.*\)/, '(AES)'), overhead, innerMtu })),
    exact: VARIANTS.flatMap(([name, variant, options]) => (['ipv4', 'ipv6'] as const).map((underlay) => exactOverhead(name, variant, { ...options, underlay }, outerMtu))),
  };
}

function exactOverhead(name: EncapsulationName, variant: string, options: Partial<EncapsulationOptions>, outerMtu: number): ExactOverhead {
  const one = encapsulation(name, { ...PLAIN, ...options });
  const overhead = largestOverhead(one);
  return {
    encapsulation: one.title, underlay: one.underlay, variant, overhead, innerMtu: outerMtu - overhead, largest: largestCarried(one, outerMtu),
    headers: one.headers, padding: one.block - 1,
  };
}

const VARIANTS: readonly (readonly [EncapsulationName, string, Partial<EncapsulationOptions>])[] = [
  ['vxlan', '', {}], ['vxlan', 'VLAN inside', { vlan: true }],
  ['geneve', '', {}], ['geneve', '16 bytes of options', { geneveOptions: 16 }],
  ['wireguard', '', {}],
  ...(Object.keys(CIPHERS) as (keyof typeof CIPHERS)[]).map((cipher) => ['ipsec', 'tunnel', { cipher }] as const),
  ['ipsec', 'tunnel, NAT traversal', { natTraversal: true }], ['ipsec', 'transport', { ipsecMode: 'transport' }],
  ['ipip', '', {}], ['gre', '', {}], ['gretap', '', {}],
];
