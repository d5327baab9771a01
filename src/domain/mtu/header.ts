/** Headers that encapsulations put around a packet, with their sizes in bytes. */

/** IP version of an outer header. */
export type Family = 'ipv4' | 'ipv6';

/** One header, trailer or field on the wire. */
export interface Header {
  name: string;
  bytes: number;
}

/** Without options, which tunnels do not send. @rfc 791, 8200 */
export const ipHeader = (family: Family): Header => (family === 'ipv4' ? { name: 'IPv4', bytes: 20 } : { name: 'IPv6', bytes: 40 });

/** @rfc 768 */
export const UDP: Header = { name: 'UDP', bytes: 8 };

/** Of the frame inside a tunnel: it travels as payload, where the outer one does not count in an MTU. */
export const INNER_ETHERNET: Header = { name: 'inner Ethernet', bytes: 14 };

/** Tag of a frame inside a tunnel. */
export const INNER_VLAN: Header = { name: 'inner 802.1Q', bytes: 4 };

/** Flags, VNI and reserved bits. @rfc 7348 section 5 */
export const VXLAN: Header = { name: 'VXLAN', bytes: 8 };

/** Without options. @rfc 8926 section 3.4 */
export const GENEVE: Header = { name: 'Geneve', bytes: 8 };

/** Without checksum, key and sequence number. @rfc 2784 */
export const GRE: Header = { name: 'GRE', bytes: 4 };

/** Type and reserved (4), receiver index (4), counter (8). Source: the WireGuard paper, section 5.4.6 */
export const WIREGUARD: Header = { name: 'WireGuard', bytes: 16 };

/** Authentication tag behind what WireGuard encrypts. */
export const POLY1305_TAG: Header = { name: 'Poly1305 tag', bytes: 16 };

/** SPI and sequence number. @rfc 4303 section 2 */
export const ESP: Header = { name: 'ESP', bytes: 8 };

/** Pad length and next header, at the end of what ESP encrypts. @rfc 4303 section 2 */
export const ESP_TRAILER: Header = { name: 'ESP trailer', bytes: 2 };

/** Sum of sizes. */
export const totalBytes = (headers: readonly Header[]): number => headers.reduce((sum, { bytes }) => sum + bytes, 0);
