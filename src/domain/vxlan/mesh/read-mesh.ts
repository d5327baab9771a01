/** Documents of kind VxlanMesh. */

import { compareCidrs, formatCidr, overlaps, type Cidr } from '../../../lib/cidr.ts';
import { formatAddress, parseAddress } from '../../../lib/ip.ts';
import type { Field, Manifest } from '../../../lib/manifest.ts';
import { given } from '../../../lib/members.ts';
import { IANA_PORT } from '../model.ts';
import { deriveMac } from './mac.ts';
import type { Mesh, MeshNode } from './model.ts';
import { OPTIONS, readOptions } from './read-options.ts';
import { readAddress, readDeviceName, readMac, readMtu, readNetwork, readPort, readVni } from './values.ts';

/** Device of a mesh that names none. */
const DEVICE = 'vxlan.sluice';

/** A node as some other source than the document tells it. */
export interface FoundNode {
  name: string;
  underlay: string;
  podCidrs: readonly Cidr[];
}

/** A node, and where complaints about it point at. */
interface PlacedNode extends MeshNode {
  field: Field;
}

/**
 * Reads a mesh; nodes that `found` tells are added to those of the document.
 *
 * Complains about names, underlay addresses and MAC addresses that stand twice, pod networks that overlap or hold an underlay
 * address, and everything that has the wrong form.
 */
export function readMesh({ name, spec, root }: Manifest, found: readonly FoundNode[] = []): Mesh {
  if (!spec.isSet) root.fail('a mesh needs a spec');
  spec.only(['device', 'vni', 'port', 'mtu', 'mode', 'underlayDevice', 'podCIDR', 'nodes', ...OPTIONS]);
  const vni = readVni(spec.get('vni'));
  const nodes = [...spec.get('nodes').items().map((field) => readNode(field, vni)), ...found.map((node) => place(node, vni, spec))];
  if (nodes.length === 0) spec.get('nodes').fail('spec.nodes is empty: a mesh needs nodes', { hints: ['or take them from elsewhere: --from kubernetes, --from bgp'] });
  checkNodes(nodes, spec.get('podCIDR').items().map(readNetwork));
  const mode = spec.get('mode').optional((field) => field.oneOf(['routed', 'flood'])) ?? 'routed';
  return {
    name, vni, mode,
    device: spec.get('device').optional(readDeviceName) ?? DEVICE,
    port: spec.get('port').optional(readPort) ?? IANA_PORT,
    mtu: spec.get('mtu').optional(readMtu) ?? 'auto',
    options: { learning: mode === 'flood', ...readOptions(spec) },
    nodes: nodes.map(({ field: _field, ...node }) => node),
    ...given({ underlayDevice: spec.get('underlayDevice').optional(readDeviceName) }),
  };
}

function readNode(field: Field, vni: number): PlacedNode {
  field.only(['name', 'underlay', 'podCIDR', 'podCIDRs', 'gateway', 'mac']);
  const underlay = readAddress(field.get('underlay'));
  const podCidrs = [...field.get('podCIDR').items(), ...field.get('podCIDRs').items()].map(readNetwork);
  if (podCidrs.length === 0) field.fail('a node needs a podCIDR');
  const gateways = field.get('gateway').items().map((one) => readGateway(one, podCidrs));
  return {
    field, name: field.get('name').text(), underlay, podCidrs,
    gateways: podCidrs.map((cidr) => gateways.find((one) => isIn(one, cidr)) ?? formatAddress(cidr.words)),
    mac: field.get('mac').optional(readMac) ?? deriveMac(vni, underlay),
  };
}

const place = ({ name, underlay, podCidrs }: FoundNode, vni: number, field: Field): PlacedNode =>
  ({ field, name, underlay, podCidrs, gateways: podCidrs.map(({ words }) => formatAddress(words)), mac: deriveMac(vni, underlay) });

function readGateway(field: Field, podCidrs: readonly Cidr[]): string {
  const address = readAddress(field);
  return podCidrs.some((cidr) => isIn(address, cidr)) ? address : field.fail(`${field.name} ${address} is not in ${podCidrs.map(formatCidr).join(', ')}`);
}

function isIn(address: string, cidr: Cidr): boolean {
  const words = parseAddress(address)!;
  return overlaps({ words, length: words.length * 32 }, cidr);
}

function checkNodes(nodes: readonly PlacedNode[], whole: readonly Cidr[]): void {
  checkUnique(nodes, 'name', 'name');
  checkUnique(nodes, 'underlay', 'underlay address');
  checkUnique(nodes, 'mac', 'MAC address');
  const ipv6 = nodes[0]!.underlay.includes(':');
  const other = nodes.find(({ underlay }) => underlay.includes(':') !== ipv6);
  if (other !== undefined) other.field.get('underlay').fail(`the underlay of ${nodes[0]!.name} is ${ipv6 ? 'IPv6' : 'IPv4'}, that of ${other.name} is not: a VXLAN device has one family`);
  const cidrs = nodes.flatMap((node) => node.podCidrs.map((cidr) => ({ cidr, node }))).sort((a, b) => compareCidrs(a.cidr, b.cidr));
  checkOverlaps(cidrs);
  for (const { cidr, node } of cidrs) {
    if (whole.length > 0 && !whole.some((one) => one.length <= cidr.length && overlaps(one, cidr))) node.field.fail(`${formatCidr(cidr)} of ${node.name} is not in ${whole.map(formatCidr).join(', ')}`);
  }
  checkUnderlays(nodes, cidrs);
}

function checkUnique(nodes: readonly PlacedNode[], key: 'name' | 'underlay' | 'mac', what: string): void {
  const seen = new Map<string, MeshNode>();
  for (const node of nodes) {
    const first = seen.get(node[key]);
    if (first !== undefined) node.field.get(key).fail(key === 'name' ? `there are two nodes called ${node.name}` : `${node.name} has the ${what} ${node[key]} of ${first.name}`);
    seen.set(node[key], node);
  }
}

/** In order of their addresses, a network that overlaps another overlaps the one before it or one that holds that. */
function checkOverlaps(cidrs: readonly { cidr: Cidr; node: PlacedNode }[]): void {
  let holder = cidrs[0];
  for (const one of cidrs.slice(1)) {
    if (overlaps(holder!.cidr, one.cidr)) one.node.field.fail(`pod networks overlap: ${formatCidr(one.cidr)} of ${one.node.name} and ${formatCidr(holder!.cidr)} of ${holder!.node.name}`);
    holder = one;
  }
}

/** A packet to a VTEP that is in a pod network would be put into the tunnel that it comes from. */
function checkUnderlays(nodes: readonly PlacedNode[], cidrs: readonly { cidr: Cidr; node: PlacedNode }[]): void {
  for (const { underlay, name, field } of nodes) {
    const words = parseAddress(underlay)!;
    const at = lastNotAfter(cidrs, { words, length: words.length * 32 });
    if (at !== undefined && isIn(underlay, at.cidr)) field.get('underlay').fail(`the underlay address ${underlay} of ${name} is in the pod network ${formatCidr(at.cidr)} of ${at.node.name}`);
  }
}

/** The last in a sorted list that does not come after `cidr`: networks do not overlap, so only this one can hold it. */
function lastNotAfter<T extends { cidr: Cidr }>(sorted: readonly T[], cidr: Cidr): T | undefined {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (compareCidrs(sorted[middle]!.cidr, cidr) <= 0) low = middle + 1;
    else high = middle;
  }
  return sorted[low - 1];
}
