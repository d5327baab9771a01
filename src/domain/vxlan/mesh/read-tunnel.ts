/** Documents of kind VxlanTunnel. */

import { formatCidr } from '../../../lib/cidr.ts';
import type { Field, Manifest } from '../../../lib/manifest.ts';
import { given } from '../../../lib/members.ts';
import { FLOOD_MAC, IANA_PORT } from '../model.ts';
import { isMulticast } from '../steps/native.ts';
import type { FdbPair, NeighbourPair, RoutePair, WantedTunnel } from './model.ts';
import { OPTIONS, readOptions } from './read-options.ts';
import { readAddress, readDeviceName, readInterfaceAddress, readMac, readMtu, readNetwork, readPort, readVni } from './values.ts';

/** Reads a tunnel; its device has the name of the document. */
export function readTunnel(manifest: Manifest): WantedTunnel {
  const { name, spec, root } = manifest;
  if (!spec.isSet) root.fail('a tunnel needs a spec');
  spec.only(['vni', 'local', 'underlayDevice', 'group', 'remotes', 'port', 'mtu', 'mac', 'bridge', 'addresses', 'fdb', 'neighbours', 'routes', ...OPTIONS]);
  const local = spec.get('local').optional(readAddress);
  if (local === undefined && !spec.get('underlayDevice').isSet) spec.fail('a tunnel needs spec.local or spec.underlayDevice');
  const group = spec.get('group').optional((field) => readGroup(field, spec));
  const remotes = spec.get('remotes').items().map((field) => readRemote(field, local, group));
  refuseTwice(spec.get('remotes'), remotes);
  const fdb = readAll(spec.get('fdb'), readFdb, ({ mac }) => mac);
  return {
    owner: `VxlanTunnel/${name}`, device: readDeviceName(root.get('metadata').get('name')),
    attributes: { vni: readVni(spec.get('vni')), port: spec.get('port').optional(readPort) ?? IANA_PORT, ...given({ local, group }), ...readOptions(spec) },
    mtu: spec.get('mtu').optional(readMtu) ?? 'auto',
    addresses: readAll(spec.get('addresses'), readInterfaceAddress, (address) => address),
    fdb: [...remotes.map((destination) => ({ mac: FLOOD_MAC, destination })), ...fdb],
    neighbours: readAll(spec.get('neighbours'), readNeighbour, ({ address }) => address),
    routes: readAll(spec.get('routes'), readRoute, ({ destination }) => destination),
    ...given({
      underlayDevice: spec.get('underlayDevice').optional(readDeviceName), mac: spec.get('mac').optional(readMac), bridge: spec.get('bridge').optional(readDeviceName),
    }),
  };
}

/** Items of a list that are told apart by a key. */
function readAll<T>(list: Field, read: (field: Field) => T, key: (item: T) => string): T[] {
  const items = list.items().map(read);
  refuseTwice(list, items.map(key));
  return items;
}

function refuseTwice(list: Field, keys: readonly string[]): void {
  const second = keys.findIndex((key, index) => keys.indexOf(key) !== index);
  if (second >= 0) list.items()[second]!.fail(`${keys[second]} stands twice in ${list.name}`);
}

function readGroup(field: Field, spec: Field): string {
  const address = readAddress(field);
  if (!isMulticast(address)) field.fail(`${field.name} ${address} is no multicast address`, { hints: ['name single hosts in spec.remotes'] });
  if (!spec.get('underlayDevice').isSet) field.fail('a multicast group needs spec.underlayDevice: the interface that joins it');
  return sameFamily(field, address, spec.get('local').optional(readAddress));
}

function readRemote(field: Field, local: string | undefined, group: string | undefined): string {
  const address = readAddress(field);
  if (local === undefined && group === undefined && address.includes(':')) field.fail('IPv6 remotes need spec.local: it tells the family of the device');
  return sameFamily(field, address, local ?? group);
}

function sameFamily(field: Field, address: string, other: string | undefined): string {
  return other === undefined || address.includes(':') === other.includes(':') ? address : field.fail(`${field.name} ${address} and ${other} are of different families`);
}

function readFdb(field: Field): FdbPair {
  field.only(['mac', 'destination']);
  return { mac: readMac(field.get('mac')), destination: readAddress(field.get('destination')) };
}

function readNeighbour(field: Field): NeighbourPair {
  field.only(['address', 'mac']);
  return { address: readAddress(field.get('address')), mac: readMac(field.get('mac')) };
}

function readRoute(field: Field): RoutePair {
  field.only(['destination', 'via']);
  const destination = formatCidr(readNetwork(field.get('destination')));
  return { destination, via: sameFamily(field.get('via'), readAddress(field.get('via')), destination) };
}
