/** What has to be done to make a device what it should be, and what undoes it. Pure. */

import { OperationError } from '../../../lib/errors.ts';
import { given } from '../../../lib/members.ts';
import { FLOOD_MAC, OWN_ALIAS } from '../model.ts';
import { isForeign, ownerOf } from '../owner.ts';
import { tunnelEntry, type RouteEntry, type Step } from '../steps/model.ts';
import { comparePairs } from './compare.ts';
import { RTPROT_SLUICE, type FdbPair, type LiveTunnel, type NeighbourPair, type RoutePair, type WantedTunnel } from './model.ts';

/** One difference, for people. */
export interface PlanRow {
  action: 'create' | 'change' | 'delete';
  object: 'link' | 'address' | 'fdb' | 'neighbour' | 'route';
  device: string;
  /** Which one: an address, a MAC, a network; of a link the member that differs, empty for the whole. */
  key: string;
  before?: string;
  after?: string;
}

/** A device's way from what it is to what it should be. */
export interface TunnelPlan {
  device: string;
  rows: readonly PlanRow[];
  /** In the order in which they are done. */
  steps: readonly Step[];
  /** What undoes them. */
  undo: readonly Step[];
}

/** A wanted device with its MTU worked out. */
export type ResolvedTunnel = WantedTunnel & { mtu: number };

/** Alias by which a device is known to be that of a document. */
export const aliasOf = ({ owner }: Pick<WantedTunnel, 'owner'>): string => `${OWN_ALIAS} ${owner}`;

/**
 * Plans one device. Nothing to do gives no steps.
 *
 * What is added comes before what is taken away, so that traffic always has a way.
 *
 * @param live undefined when there is no such device.
 * @throws OperationError SL6061 when the device is not sluice's, unless `force`.
 */
export function planTunnel(wanted: ResolvedTunnel, live: LiveTunnel | undefined, force: boolean): TunnelPlan {
  if (live !== undefined && !force) refuseForeign(wanted.device, live);
  if (live === undefined) return planCreation(wanted);
  const fixed = fixedDifferences(wanted, live);
  return fixed.length === 0 ? planChanges(wanted, live) : planAnew(wanted, live, fixed);
}

/** Takes a device away that its document has left. */
export function planRemoval(device: string, live: LiveTunnel): TunnelPlan {
  const row: PlanRow = { action: 'delete', object: 'link', device, key: '', before: describeDevice(live) };
  return { device, rows: [row], steps: [{ do: 'delete-link', device }], undo: creationSteps(device, live) };
}

function refuseForeign(device: string, { alias, kind }: LiveTunnel): void {
  const owner = ownerOf(device, alias);
  if (kind === 'vxlan' && owner === 'sluice') return;
  const whose = kind !== 'vxlan' ? `it is no VXLAN device but ${kind ?? 'hardware'}` : isForeign(owner) ? `it belongs to ${owner}` : 'sluice did not make it';
  throw new OperationError(`${device} exists, and ${whose}`, {
    code: 'SL6061', hints: kind === 'vxlan' ? ['give the document another device', 'or take this one over: --force'] : ['give the document another device'],
  });
}

/** Whole device: its settings and everything on it, as steps that make it where there is none. */
function creationSteps(device: string, it: ResolvedTunnel | LiveTunnel): Step[] {
  return [
    { do: 'create-tunnel', device: { name: device, attributes: it.attributes, mtu: it.mtu, ...given({ underlay: it.underlayDevice, mac: it.mac, master: it.bridge }) } },
    { do: 'set-link', device, up: 'owner' in it || it.up, ...given({ alias: 'owner' in it ? aliasOf(it) : it.alias }) },
    ...it.addresses.map((address): Step => ({ do: 'add-address', device, address })),
    ...it.fdb.map((pair): Step => ({ do: 'fdb-append', entry: tunnelEntry(device, pair.mac, pair.destination) })),
    ...it.neighbours.map((pair): Step => ({ do: 'neighbour-replace', device, ...pair })),
    ...it.routes.map((route): Step => ({ do: 'route-replace', route: routeEntry(device, route) })),
  ];
}

const routeEntry = (device: string, { destination, via }: RoutePair): RouteEntry => ({ destination, device, via, onlink: true, protocol: RTPROT_SLUICE });

function planCreation(wanted: ResolvedTunnel): TunnelPlan {
  const { device } = wanted;
  const row: PlanRow = { action: 'create', object: 'link', device, key: '', after: describeDevice(wanted) };
  return { device, rows: [row, ...entryRows(wanted, NOTHING)], steps: creationSteps(device, wanted), undo: [{ do: 'delete-link', device }] };
}

const NOTHING = { addresses: [], fdb: [], neighbours: [], routes: [] };

function planAnew(wanted: ResolvedTunnel, live: LiveTunnel, fixed: readonly PlanRow[]): TunnelPlan {
  const { device } = wanted;
  return {
    device, rows: [...fixed, ...movableDifferences(wanted, live), ...entryRows(wanted, live)],
    steps: [{ do: 'delete-link', device }, ...creationSteps(device, wanted)],
    undo: [{ do: 'delete-link', device }, ...creationSteps(device, live)],
  };
}

function planChanges(wanted: ResolvedTunnel, live: LiveTunnel): TunnelPlan {
  const { device } = wanted;
  const settings = movableDifferences(wanted, live);
  if (settings.length === 0) return { device, rows: entryRows(wanted, live), steps: entrySteps(device, wanted, live), undo: entrySteps(device, live, wanted) };
  // With the MAC address of a device the kernel drops all of its neighbours.
  const flushed = settings.some(({ key }) => key === 'mac') ? { neighbours: [] } : {};
  return {
    device, rows: [...settings, ...entryRows(wanted, live)],
    steps: [linkStep(wanted), ...entrySteps(device, wanted, { ...live, ...flushed })],
    undo: [linkStep({ ...live, device, alias: live.alias ?? '' }), ...entrySteps(device, live, { ...wanted, ...flushed })],
  };
}

/** Settings that the kernel changes on a device that is there. */
function linkStep(it: { device: string; mtu: number; mac?: string; bridge?: string; up?: boolean } & ({ owner: string } | { alias: string })): Step {
  return { do: 'set-link', device: it.device, mtu: it.mtu, up: it.up ?? true, master: it.bridge ?? '', alias: 'owner' in it ? aliasOf(it) : it.alias, ...given({ mac: it.mac }) };
}

/** Differences for which the device has to be made anew. */
function fixedDifferences(wanted: ResolvedTunnel, live: LiveTunnel): PlanRow[] {
  const members = Object.entries({ ...wanted.attributes, ...given({ underlayDevice: wanted.underlayDevice }) });
  const present: Record<string, unknown> = { ...live.attributes, ...given({ underlayDevice: live.underlayDevice }) };
  // The kernel does not tell some settings that are off.
  return members.flatMap(([key, value]) => difference(wanted.device, key, present[key] ?? (value === false ? false : undefined), value));
}

function movableDifferences(wanted: ResolvedTunnel, live: LiveTunnel): PlanRow[] {
  const { device } = wanted;
  return [
    ...difference(device, 'alias', live.alias, aliasOf(wanted)), ...difference(device, 'mtu', live.mtu, wanted.mtu), ...difference(device, 'bridge', live.bridge, wanted.bridge),
    ...(wanted.mac === undefined ? [] : difference(device, 'mac', live.mac, wanted.mac)), ...difference(device, 'state', live.up ? 'up' : 'down', 'up'),
  ];
}

function difference(device: string, key: string, before: unknown, after: unknown): PlanRow[] {
  const [old, fresh] = [describe(before), describe(after)];
  return old === fresh ? [] : [{ action: 'change', object: 'link', device, key, ...given({ before: old, after: fresh }) }];
}

const describe = (value: unknown): string | undefined =>
  value === undefined ? undefined : typeof value === 'object' ? Object.values(value as object).join('-') : String(value);

type Entries = Pick<LiveTunnel, 'addresses' | 'fdb' | 'neighbours' | 'routes'>;

/** The flood entry may have several remotes, so there each is an entry of its own. */
const fdbKey = ({ mac, destination }: FdbPair): string => (mac === FLOOD_MAC ? `${mac} ${destination}` : mac);
const neighbourKey = ({ address }: NeighbourPair): string => address;
const routeKey = ({ destination }: RoutePair): string => destination;
const self = (text: string): string => text;

function entryRows(wanted: Entries & { device: string }, live: Entries): PlanRow[] {
  const { device } = wanted;
  const rows = <T>(object: PlanRow['object'], to: readonly T[], from: readonly T[], key: (one: T) => string, value: (one: T) => string): PlanRow[] => {
    const { added, changed, removed } = comparePairs(from, to, key, value);
    return [
      ...added.map((one): PlanRow => ({ action: 'create', object, device, key: key(one), after: value(one) })),
      ...changed.map(({ before, after }): PlanRow => ({ action: 'change', object, device, key: key(after), before: value(before), after: value(after) })),
      ...removed.map((one): PlanRow => ({ action: 'delete', object, device, key: key(one), before: value(one) })),
    ];
  };
  return [
    ...rows('address', wanted.addresses, live.addresses, self, self), ...rows('fdb', wanted.fdb, live.fdb, fdbKey, ({ destination }) => destination),
    ...rows('neighbour', wanted.neighbours, live.neighbours, neighbourKey, ({ mac }) => mac), ...rows('route', wanted.routes, live.routes, routeKey, ({ via }) => via),
  ];
}

/** Steps from one set of entries to another: what is added first, what is taken away last. */
function entrySteps(device: string, to: Entries, from: Entries): Step[] {
  const addresses = comparePairs(from.addresses, to.addresses, self, self);
  const fdb = comparePairs(from.fdb, to.fdb, fdbKey, ({ destination }) => destination);
  const neighbours = comparePairs(from.neighbours, to.neighbours, neighbourKey, ({ mac }) => mac);
  const routes = comparePairs(from.routes, to.routes, routeKey, ({ via }) => via);
  return [
    ...addresses.added.map((address): Step => ({ do: 'add-address', device, address })),
    ...fdb.added.map(({ mac, destination }): Step => ({ do: 'fdb-append', entry: tunnelEntry(device, mac, destination) })),
    ...fdb.changed.map(({ after }): Step => ({ do: 'fdb-replace', entry: tunnelEntry(device, after.mac, after.destination) })),
    ...[...neighbours.added, ...neighbours.changed.map(({ after }) => after)].map((pair): Step => ({ do: 'neighbour-replace', device, ...pair })),
    ...[...routes.added, ...routes.changed.map(({ after }) => after)].map((route): Step => ({ do: 'route-replace', route: routeEntry(device, route) })),
    ...routes.removed.map((route): Step => ({ do: 'route-delete', route: routeEntry(device, route) })),
    ...neighbours.removed.map(({ address }): Step => ({ do: 'neighbour-delete', device, address })),
    ...fdb.removed.map(({ mac, destination }): Step => ({ do: 'fdb-delete', entry: tunnelEntry(device, mac, destination) })),
    ...addresses.removed.map((address): Step => ({ do: 'delete-address', device, address })),
  ];
}

const describeDevice = ({ attributes: { vni, local, port }, mtu, underlayDevice }: ResolvedTunnel | LiveTunnel): string =>
  [`vni ${vni}`, ...(local === undefined ? [] : [`local ${local}`]), `port ${port}`, ...(underlayDevice === undefined ? [] : [`over ${underlayDevice}`]), `mtu ${mtu}`].join(' ');
