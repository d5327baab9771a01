/** What one encapsulation adds to a packet, and which packet fits into which MTU. */

import { UsageError } from '../../lib/errors.ts';
import { CIPHERS, type CipherName } from './cipher.ts';
import { ESP, ESP_TRAILER, GENEVE, GRE, INNER_ETHERNET, INNER_VLAN, ipHeader, POLY1305_TAG, totalBytes, UDP, VXLAN, WIREGUARD, type Family, type Header } from './header.ts';

/** Names that `encapsulation` knows. */
export const ENCAPSULATIONS = ['none', 'vxlan', 'geneve', 'wireguard', 'ipsec', 'ipip', 'gre', 'gretap'] as const;
/** One of them. */
export type EncapsulationName = (typeof ENCAPSULATIONS)[number];

/** What may differ between two tunnels of the same kind. */
export interface EncapsulationOptions {
  /** IP version that carries the tunnel. */
  underlay: Family;
  /** Frames inside the tunnel carry a VLAN tag; only tunnels that carry frames have them. */
  vlan: boolean;
  /** Bytes of Geneve options, a multiple of 4 up to 252. */
  geneveOptions: number;
  ipsecMode: 'tunnel' | 'transport';
  cipher: CipherName;
  /** ESP inside UDP, as behind a NAT. @rfc 3948 */
  natTraversal: boolean;
}

/** An encapsulation in bytes. */
export interface Encapsulation {
  name: EncapsulationName;
  title: string;
  underlay: Family;
  /** What is added to every packet, outermost first. */
  headers: readonly Header[];
  /** What is encrypted is filled up to a multiple of this many bytes; 1 where nothing is. */
  block: number;
  /** Bytes of the carried packet that stay in front of what is encrypted: its IP header in transport mode. */
  clear: number;
}

/** The encapsulation called `name`. @throws UsageError for a name or an option that does not exist. */
export function encapsulation(name: string, options: EncapsulationOptions): Encapsulation {
  const known = ENCAPSULATIONS.find((one) => one === name);
  if (known === undefined) throw new UsageError(`there is no encapsulation '${name}'`, { hints: [`--encap takes ${ENCAPSULATIONS.join(', ')}, separated by commas`] });
  checkGeneveOptions(options.geneveOptions);
  return { name: known, underlay: options.underlay, block: 1, clear: 0, ...SHAPES[known](options) };
}

/** The most that it adds to any packet. */
export const largestOverhead = ({ headers, block }: Encapsulation): number => totalBytes(headers) + block - 1;

/** The largest packet that, wrapped, still fits into `mtu`. Negative when not even an empty one does. */
export function largestCarried({ headers, block, clear }: Encapsulation, mtu: number): number {
  const trailer = trailerBytes(headers);
  const room = mtu - clear - (totalBytes(headers) - trailer);
  return room - (room % block) - trailer + clear;
}

/** Bytes of a packet of `inner` bytes once it is wrapped: the MTU that it needs. */
export function wrappedBytes({ headers, block, clear }: Encapsulation, inner: number): number {
  const trailer = trailerBytes(headers);
  return totalBytes(headers) - trailer + clear + Math.ceil((inner - clear + trailer) / block) * block;
}

/** The trailer is encrypted with the packet, so it counts in what is filled up. */
const trailerBytes = (headers: readonly Header[]): number => totalBytes(headers.filter((header) => header === ESP_TRAILER));

type Shape = Pick<Encapsulation, 'title' | 'headers'> & Partial<Pick<Encapsulation, 'block' | 'clear'>>;

const SHAPES: Readonly<Record<EncapsulationName, (options: EncapsulationOptions) => Shape>> = {
  none: () => ({ title: 'None (native)', headers: [] }),
  vxlan: (options) => ({ title: 'VXLAN', headers: [ipHeader(options.underlay), UDP, VXLAN, ...innerFrame(options)] }),
  geneve: (options) => ({ title: 'Geneve', headers: [ipHeader(options.underlay), UDP, GENEVE, ...geneveOptions(options), ...innerFrame(options)] }),
  // WireGuard fills up to 16 bytes as well, but never beyond the MTU of its device, so that this costs no room.
  wireguard: ({ underlay }) => ({ title: 'WireGuard', headers: [ipHeader(underlay), UDP, WIREGUARD, POLY1305_TAG] }),
  ipsec,
  ipip: ({ underlay }) => ({ title: 'IP in IP', headers: [ipHeader(underlay)] }),
  gre: ({ underlay }) => ({ title: 'GRE', headers: [ipHeader(underlay), GRE] }),
  gretap: (options) => ({ title: 'GRE (Ethernet)', headers: [ipHeader(options.underlay), GRE, ...innerFrame(options)] }),
};

const innerFrame = ({ vlan }: EncapsulationOptions): Header[] => (vlan ? [INNER_ETHERNET, INNER_VLAN] : [INNER_ETHERNET]);

const geneveOptions = ({ geneveOptions: bytes }: EncapsulationOptions): Header[] => (bytes === 0 ? [] : [{ name: 'Geneve options', bytes }]);

/** In transport mode the packet's own IP header goes in front, so none is added. */
function ipsec({ underlay, ipsecMode, cipher, natTraversal }: EncapsulationOptions): Shape {
  const { title, iv, block, icv } = CIPHERS[cipher];
  const outer = ipsecMode === 'tunnel' ? [ipHeader(underlay)] : [];
  return {
    title: `IPsec (${title})`,
    headers: [...outer, ...(natTraversal ? [UDP] : []), ESP, { name: 'IV', bytes: iv }, ESP_TRAILER, { name: 'ICV', bytes: icv }],
    block,
    clear: ipsecMode === 'tunnel' ? 0 : ipHeader(underlay).bytes,
  };
}

function checkGeneveOptions(bytes: number): void {
  if (Number.isInteger(bytes) && bytes >= 0 && bytes <= 252 && bytes % 4 === 0) return;
  throw new UsageError(`Geneve cannot have ${bytes} bytes of options`, { hints: ['they are a multiple of 4, up to 252'] });
}
