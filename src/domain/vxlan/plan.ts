/** What making or removing a tunnel takes on this node, and why it would not work. Pure. */

import type { NetworkInterface } from '../links/index.ts';
import { NotFoundError, OperationError, UsageError } from '../../lib/errors.ts';
import { given } from '../../lib/members.ts';
import { suggest } from '../../lib/text.ts';
import { FLOOD_MAC, LINUX_PORT, type NodeView, OWN_ALIAS, type Tunnel, type TunnelDetail, type TunnelSpec } from './model.ts';
import { isForeign } from './owner.ts';
import { type DeviceSpec, PORT_WORDS, type PortSwitches, type RouteEntry, type Step, tunnelEntry } from './steps/model.ts';
import { innerMtu, isIpv6 } from './underlay.ts';

/** Steps, and remarks for whoever wants them carried out. */
export interface Plan {
  steps: readonly Step[];
  notes: readonly string[];
}

/**
 * The steps that make a tunnel.
 *
 * @param force goes on where the address of this end is nowhere, or that of the device is taken
 * @throws OperationError SL6001 name taken, SL6002 VNI and port taken, SL6004 MTU too large, SL6006 address in use, SL6011 no such
 *   local address; NotFoundError SL6003 no such underlay or bridge
 */
export function planCreate(spec: TunnelSpec, view: NodeView, force: boolean): Plan {
  refuseTaken(spec, view);
  const underlay = spec.dev === undefined ? undefined : findInterface(view, spec.dev);
  if (spec.bridge !== undefined && findInterface(view, spec.bridge).type !== 'bridge') throw new UsageError(`--bridge ${spec.bridge} is no bridge`, { code: 'SL6000' });
  const carrier = underlay ?? view.interfaces.find((one) => spec.local !== undefined && hasAddress(one, spec.local));
  if (!force) refuseAddresses(spec, view);
  const mtu = chooseMtu(spec, underlay, carrier);
  const device: DeviceSpec = {
    name: spec.name, attributes: { ...(spec.options.external === true ? { learning: false } : {}), ...spec.options, port: spec.port, ...given({ vni: spec.vni, local: spec.local ?? unspecified(spec), group: spec.group ?? soleRemote(spec) }) },
    ...given({ underlay: spec.dev, mtu, mac: spec.mac, master: spec.bridge }),
  };
  const steps: Step[] = [
    { do: 'create-tunnel', device },
    { do: 'set-link', device: spec.name, alias: OWN_ALIAS, up: true },
    ...spec.vnis.map((range): Step => ({ do: 'add-vnis', device: spec.name, range })),
    ...spec.addresses.map((address): Step => ({ do: 'add-address', device: spec.name, address })),
    ...(soleRemote(spec) === undefined ? spec.remotes : []).map((remote): Step => ({ do: 'fdb-append', entry: tunnelEntry(spec.name, FLOOD_MAC, remote) })),
  ];
  return { steps, notes: notesOf(spec, view, carrier) };
}

const soleRemote = ({ remotes }: TunnelSpec): string | undefined => (remotes.length === 1 ? remotes[0] : undefined);

/** Flood entries alone do not tell the kernel the family of the underlay. */
const unspecified = (spec: TunnelSpec): string | undefined => (spec.group === undefined && spec.remotes.length > 1 && isIpv6(spec.remotes[0]) ? '::' : undefined);

function refuseTaken(spec: TunnelSpec, view: NodeView): void {
  const taken = view.interfaces.find(({ name, altNames }) => name === spec.name || altNames.includes(spec.name));
  if (taken !== undefined) throw new OperationError(`there is already an interface ${spec.name} (${taken.type})`, { code: 'SL6001', hints: [`sluice link get ${spec.name}`, 'take another name'] });
  const twin = view.tunnels.find((tunnel) => clashes(spec, tunnel));
  if (twin === undefined) return;
  throw new OperationError(`VNI ${spec.vni ?? 0} on UDP port ${spec.port} is already that of ${twin.name}`, {
    code: 'SL6002', causes: [`${twin.name} is ${twin.owner === 'unknown' ? 'a device of unknown owner' : `a device of ${twin.owner}`}`], hints: [`sluice vxlan get ${twin.name}`, 'take another --vni or --port'],
  });
}

/** The kernel's rule: one device for a VNI on a port and family. @kernel drivers/net/vxlan/vxlan_core.c vxlan_config_validate */
function clashes(spec: TunnelSpec, tunnel: Tunnel): boolean {
  const external = spec.options.external === true;
  const sameFamily = isIpv6(spec.local ?? spec.group ?? spec.remotes[0]) === isIpv6(tunnel.local ?? tunnel.attributes.group);
  return tunnel.port === spec.port && sameFamily && external === (tunnel.attributes.external === true) && tunnel.vni === (spec.vni ?? 0) && spec.options.vniFilter !== true;
}

/** An interface of the view. @throws NotFoundError SL6003 with names that are near */
function findInterface(view: NodeView, name: string): NetworkInterface {
  const found = view.interfaces.find((one) => one.name === name || one.altNames.includes(name));
  if (found !== undefined) return found;
  const names = view.interfaces.map((one) => one.name);
  const near = suggest(name, names);
  throw new NotFoundError(`there is no interface ${name}`, { code: 'SL6003', causes: [near.length > 0 ? `similar names: ${near.join(', ')}` : `there are ${names.slice(0, 20).join(', ')}`], hints: ['sluice link list'] });
}

const hasAddress = ({ addresses }: NetworkInterface, address: string): boolean => addresses.some((one) => one.split('/')[0] === address);

function refuseAddresses(spec: TunnelSpec, view: NodeView): void {
  const { local } = spec;
  if (local !== undefined && !view.interfaces.some((one) => hasAddress(one, local))) {
    throw new OperationError(`no interface has the address ${local}`, { code: 'SL6011', causes: ['outer packets could not leave with it as their source'], hints: ['sluice link list', 'add --force when it comes later'] });
  }
  for (const remote of spec.remotes) {
    if (view.interfaces.some((one) => hasAddress(one, remote))) throw new OperationError(`--remote ${remote} is an address of this node: the tunnel would send to itself`, { code: 'SL6012', hints: ['name the other end'] });
  }
  for (const address of spec.addresses) {
    const holder = view.interfaces.find((one) => hasAddress(one, address.split('/')[0]!));
    if (holder !== undefined) throw new OperationError(`${address} is in use: ${holder.name} has it`, { code: 'SL6006', hints: [`sluice link get ${holder.name}`, 'take another --address, or add --force'] });
  }
}

/** Undefined where the kernel chooses: it takes the MTU of the interface that a device is bound to, less the headers. */
function chooseMtu({ mtu, local, group, remotes }: TunnelSpec, underlay: NetworkInterface | undefined, carrier: NetworkInterface | undefined): number | undefined {
  const most = carrier === undefined ? undefined : innerMtu(carrier.mtu, isIpv6(local ?? group ?? remotes[0]));
  if (mtu === 'auto') return underlay === undefined ? most : undefined;
  if (underlay !== undefined && mtu > most!) {
    throw new OperationError(`an MTU of ${mtu} does not fit through ${underlay.name}`, { code: 'SL6004', causes: [`${underlay.name} has ${underlay.mtu}, VXLAN takes ${underlay.mtu - most!}: ${most} are left`], hints: ['--mtu auto'] });
  }
  return mtu;
}

function notesOf(spec: TunnelSpec, view: NodeView, carrier: NetworkInterface | undefined): string[] {
  const old = view.tunnels.filter(({ port }) => port === LINUX_PORT);
  const most = carrier === undefined ? undefined : innerMtu(carrier.mtu, isIpv6(spec.local ?? spec.group ?? spec.remotes[0]));
  const notes: [string, boolean][] = [
    [`${old.map(({ name }) => name).join(', ')} use${old.length === 1 ? 's' : ''} port ${LINUX_PORT}, the default of Linux; ${spec.name} uses ${spec.port}. Both ends of a tunnel need the same.`, old.length > 0 && spec.port !== LINUX_PORT],
    [`an MTU of ${spec.mtu} is more than the ${most} that fit through ${carrier?.name}: packets are cut in pieces, or lost where pieces are dropped`, typeof spec.mtu === 'number' && most !== undefined && spec.mtu > most],
    [`${spec.name} knows no other end yet: sluice vxlan fdb add ${spec.name} ${FLOOD_MAC} --dst IP`, spec.remotes.length === 0 && spec.group === undefined && spec.options.external !== true],
    [`${spec.local} is not an address of ${spec.dev}`, spec.dev !== undefined && spec.local !== undefined && carrier !== undefined && !hasAddress(carrier, spec.local)],
  ];
  return notes.filter(([, holds]) => holds).map(([note]) => note);
}

/** What the node loses with a tunnel beside the device itself. */
export interface Dependents {
  neighbours: readonly { address: string; mac: string }[];
  routes: readonly RouteEntry[];
  /** Routes through nexthop objects, which go with the device and cannot be made again from here. */
  nexthopRoutes: number;
}

/** The step that removes a tunnel. @throws OperationError SL6005 when a network plugin made it, unless forced */
export function planDelete(tunnel: Tunnel, { nexthopRoutes }: Dependents, force: boolean): Plan {
  if (isForeign(tunnel.owner) && !force) {
    throw new OperationError(`${tunnel.name} belongs to ${tunnel.owner}, which would miss it or make it again`, { code: 'SL6005', causes: ['pods of other nodes are reached through it'], hints: [`take ${tunnel.owner} away`, 'or add --force --yes'] });
  }
  const notes: [string, boolean][] = [
    [`${tunnel.peers} other end${tunnel.peers === 1 ? ' is' : 's are'} no longer reached through it`, tunnel.peers > 0],
    [`a rollback does not bring back ${nexthopRoutes} route${nexthopRoutes === 1 ? '' : 's'} through nexthop objects: ip nexthop show dev ${tunnel.name}`, nexthopRoutes > 0],
  ];
  return { steps: [{ do: 'delete-link', device: tunnel.name }], notes: notes.filter(([, holds]) => holds).map(([note]) => note) };
}

/** The steps that make a tunnel again as it was, with its addresses, lasting entries, neighbours and routes. */
export function planRestore(tunnel: TunnelDetail, { neighbours, routes }: Pick<Dependents, 'neighbours' | 'routes'>): Step[] {
  const { lower: _lower, ...attributes } = tunnel.attributes;
  const device: DeviceSpec = { name: tunnel.name, attributes, mtu: tunnel.mtu, ...given({ underlay: tunnel.underlay, mac: tunnel.mac, master: tunnel.master }) };
  // What is learned comes back with the traffic; the remote of the device comes with the device.
  const lasting = tunnel.fdb.filter(({ lifetime, table, mac, destination }) => lifetime !== 'dynamic' && table === 'self' && !(mac === FLOOD_MAC && destination === attributes.group));
  return [
    { do: 'create-tunnel', device },
    ...portSteps(tunnel),
    { do: 'set-link', device: tunnel.name, up: tunnel.state === 'up', ...given({ alias: tunnel.alias }) },
    ...tunnel.vnis.map((range): Step => ({ do: 'add-vnis', device: tunnel.name, range })),
    ...tunnel.addresses.filter((address) => !address.startsWith('fe80:')).map((address): Step => ({ do: 'add-address', device: tunnel.name, address })),
    ...lasting.map((entry): Step => ({ do: entry.nexthopId === undefined ? 'fdb-append' : 'fdb-replace', entry })),
    ...neighbours.map(({ address, mac }): Step => ({ do: 'neighbour-replace', device: tunnel.name, address, mac })),
    ...routes.map((route): Step => ({ do: 'route-replace', route })),
  ];
}

/** What differs from a new port. */
function portSteps({ name, interface: { port } }: TunnelDetail): Step[] {
  if (port?.kind !== 'bridge') return [];
  const changed = Object.entries(PORT_WORDS).filter(([fact, [, atFirst]]) => port.facts[fact] !== undefined && port.facts[fact] !== atFirst);
  const switches: PortSwitches = Object.fromEntries(changed.map(([fact]) => [fact, port.facts[fact]]));
  return changed.length === 0 ? [] : [{ do: 'set-port', device: name, switches }];
}
