/** Values of documents, checked and made canonical. */

import { formatCidr, hasHostBits, networkOf, parseCidr, type Cidr } from '../../../lib/cidr.ts';
import { formatAddress, parseAddress } from '../../../lib/ip.ts';
import type { Field } from '../../../lib/manifest.ts';

/** An IP address without prefix length. */
export function readAddress(field: Field): string {
  const words = parseAddress(field.text());
  return words === undefined ? field.fail(`${field.name} must be an IP address, not '${field.text()}'`) : formatAddress(words);
}

/** A network without bits beyond its prefix. */
export function readNetwork(field: Field): Cidr {
  const cidr = parseCidr(field.text());
  if (cidr === undefined) return field.fail(`${field.name} must be a network such as 10.244.1.0/24, not '${field.text()}'`);
  return hasHostBits(cidr) ? field.fail(`${field.name} has bits beyond its prefix: the network is ${formatCidr(networkOf(cidr))}`) : cidr;
}

/** An address with the prefix length of its network. */
export function readInterfaceAddress(field: Field): string {
  const cidr = parseCidr(field.text());
  return cidr === undefined ? field.fail(`${field.name} must be an address with a prefix length such as 10.244.1.1/24, not '${field.text()}'`) : formatCidr(cidr);
}

/** A unicast MAC address, in lower case. */
export function readMac(field: Field): string {
  const mac = field.text().toLowerCase();
  if (!/^[0-9a-f]{2}(:[0-9a-f]{2}){5}$/.test(mac)) return field.fail(`${field.name} must be a MAC address such as 02:00:00:00:00:01, not '${field.text()}'`);
  if (mac === '00:00:00:00:00:00') return field.fail(`${field.name} is the MAC address of zeros, which no device can have`);
  return Number.parseInt(mac.slice(0, 2), 16) % 2 === 1 ? field.fail(`${field.name} is a multicast address: the first byte must be even`) : mac;
}

/** A name that the kernel takes for an interface. */
export function readDeviceName(field: Field): string {
  const name = field.text();
  return /^[^\s/:%\p{Cc}]{1,15}$/u.test(name) && name !== '.' && name !== '..' ? name : field.fail(`${field.name} is no name for an interface: up to 15 characters without blanks, '/', ':' and '%'`);
}

/** 24 bits; 0 is what devices without a VNI of their own have. */
export const readVni = (field: Field): number => field.integer(1, 0xff_ffff);

/** A UDP port; 0 is none. */
export const readPort = (field: Field): number => field.integer(1, 65_535);

/** A number that IPv4 allows, or the word that stands for the underlay's less the headers. */
export const readMtu = (field: Field): number | 'auto' => (field.value === 'auto' ? 'auto' : field.integer(68, 65_535));
