import { createHash } from 'node:crypto';

/**
 * The MAC address of a node whose document names none: from its VNI and underlay address, so that every node works out the same.
 *
 * It is unicast and locally administered.
 */
export function deriveMac(vni: number, underlay: string): string {
  const bytes = createHash('sha256').update(`${vni} ${underlay}`).digest().subarray(0, 6);
  bytes[0] = (bytes[0]! & 0xfc) | 0x02;
  return [...bytes].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
}
