/** What a mesh means for one of its nodes. */

import { formatCidr } from '../../../lib/cidr.ts';
import { NotFoundError, UsageError } from '../../../lib/errors.ts';
import { given } from '../../../lib/members.ts';
import { suggest } from '../../../lib/text.ts';
import { FLOOD_MAC } from '../model.ts';
import type { Mesh, MeshNode, WantedTunnel } from './model.ts';

/**
 * Finds which node of a mesh this one is: the one that is named, or whose underlay address is here.
 *
 * @throws NotFoundError SL6060 when it is none, UsageError SL6060 when it is several.
 */
export function findOwnNode({ name, nodes }: Mesh, addresses: ReadonlySet<string>, nodeName: string | undefined): MeshNode {
  const own = nodes.filter((node) => (nodeName === undefined ? addresses.has(node.underlay) : node.name === nodeName));
  if (own.length === 1) return own[0]!;
  if (own.length > 1) throw new UsageError(`this node has the addresses of several nodes of ${name}: ${own.map((node) => node.name).join(', ')}`, { code: 'SL6060', hints: ['say which it is: --node-name NAME'] });
  if (nodeName !== undefined) throw new NotFoundError(`mesh ${name} has no node ${nodeName}`, { code: 'SL6060', hints: suggest(nodeName, nodes.map((node) => node.name)).map((near) => `--node-name ${near}`) });
  throw new NotFoundError(`this node is not in mesh ${name}`, {
    code: 'SL6060', causes: [`none of its addresses is the underlay address of a node: ${[...addresses].slice(0, 8).join(', ')}`], hints: ['add it to the file', 'or say which it is: --node-name NAME'],
  });
}

/** The device of `own` and its entries for all other nodes. */
export function wantedOf(mesh: Mesh, own: MeshNode): WantedTunnel {
  const others = mesh.nodes.filter((node) => node !== own);
  const flood = mesh.mode === 'flood';
  return {
    owner: `VxlanMesh/${mesh.name}`, device: mesh.device, mtu: mesh.mtu, mac: own.mac,
    attributes: { vni: mesh.vni, port: mesh.port, local: own.underlay, ...mesh.options },
    addresses: own.gateways.map((address) => `${address}/${address.includes(':') ? 128 : 32}`),
    fdb: others.map(({ mac, underlay }) => ({ mac: flood ? FLOOD_MAC : mac, destination: underlay })),
    neighbours: flood ? [] : others.flatMap(({ mac, gateways }) => gateways.map((address) => ({ address, mac }))),
    routes: others.flatMap(({ podCidrs, gateways }) => podCidrs.map((cidr, i) => ({ destination: formatCidr(cidr), via: gateways[i]! }))),
    ...given({ underlayDevice: mesh.underlayDevice }),
  };
}
