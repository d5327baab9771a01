/** Steps as commands of iproute2: for `--show-native`, for plans that are only shown, and for scripts that undo a change. */

import type { VniRange, VxlanAttributes } from '../../../kernel/netlink/index.ts';
import type { FdbEntry } from '../fdb/model.ts';
import { type DeviceSpec, PORT_WORDS, type PortSwitches, type RouteEntry, type Step } from './model.ts';

/** A program of iproute2 with its words. */
export type NativeCommand = readonly [program: 'ip' | 'bridge', ...words: string[]];

/** The commands that do what a step does; making a device takes several. */
export function nativeOf(step: Step): NativeCommand[] {
  switch (step.do) {
    case 'create-tunnel': return nativeCreate(step.device);
    case 'delete-link': return [['ip', 'link', 'delete', 'dev', step.device]];
    case 'set-link': return [['ip', 'link', 'set', 'dev', step.device, ...linkWords(step)]];
    case 'add-vnis': return [['bridge', 'vni', 'add', 'dev', step.device, 'vni', rangeText(step.range), ...groupWords(step.range)]];
    case 'set-port': return [['ip', 'link', 'set', 'dev', step.device, 'type', 'bridge_slave', ...portWords(step.switches)]];
    case 'add-address': return [['ip', 'address', 'replace', step.address, 'dev', step.device, ...(step.address.includes(':') ? ['nodad'] : [])]];
    case 'delete-address': return [['ip', 'address', 'delete', step.address, 'dev', step.device]];
    case 'fdb-create': case 'fdb-append': case 'fdb-replace': case 'fdb-delete': return [nativeFdb(FDB_VERBS[step.do], step.entry)];
    case 'neighbour-replace': return [['ip', 'neighbour', 'replace', step.address, ...(step.mac === undefined ? [] : ['lladdr', step.mac]), 'dev', step.device, 'nud', 'permanent']];
    case 'neighbour-delete': return [['ip', 'neighbour', 'delete', step.address, 'dev', step.device]];
    case 'route-replace': case 'route-delete': return [['ip', ...familyWord(step.route), 'route', step.do === 'route-replace' ? 'replace' : 'delete', ...routeWords(step.route)]];
  }
}

const FDB_VERBS = { 'fdb-create': 'add', 'fdb-append': 'append', 'fdb-replace': 'replace', 'fdb-delete': 'delete' } as const;

function nativeCreate({ name, mtu, mac, master, underlay, attributes }: DeviceSpec): NativeCommand[] {
  const before = [...(mac === undefined ? [] : ['address', mac]), ...(mtu === undefined ? [] : ['mtu', String(mtu)]), ...(master === undefined ? [] : ['master', master])];
  return [['ip', 'link', 'add', 'name', name, ...before, 'type', 'vxlan', ...vxlanWords(attributes, underlay)]];
}

const linkWords = ({ mtu, mac, master, alias, up }: Extract<Step, { do: 'set-link' }>): string[] => [
  ...(mtu === undefined ? [] : ['mtu', String(mtu)]),
  ...(mac === undefined ? [] : ['address', mac]),
  ...(alias === undefined ? [] : ['alias', alias]),
  ...(master === undefined ? [] : master === '' ? ['nomaster'] : ['master', master]),
  ...(up === undefined ? [] : [up ? 'up' : 'down']),
];

/** `10-20`, or one number. */
export const rangeText = ({ from, to }: VniRange): string => (from === to ? String(from) : `${from}-${to}`);

const groupWords = ({ group }: VniRange): string[] => (group === undefined ? [] : [isMulticast(group) ? 'group' : 'remote', group]);

const portWords = (switches: PortSwitches): string[] =>
  Object.entries(switches).flatMap(([name, on]) => (on === undefined ? [] : [PORT_WORDS[name as keyof PortSwitches][0], on ? 'on' : 'off']));

/** Options of `ip link add type vxlan`. @man ip-link(8) */
function vxlanWords(vxlan: Omit<VxlanAttributes, 'lower'>, underlay: string | undefined): string[] {
  const { vni, group, local, ttl, tos, df, label, ageingSeconds, limit, sourcePorts, port } = vxlan;
  const words: [string, string | number | undefined][] = [
    ['id', vxlan.external === true ? undefined : vni], [isMulticast(group) ? 'group' : 'remote', group], ['local', local], ['dev', underlay], ['dstport', port],
    ['ttl', vxlan.ttlInherit === true ? 'inherit' : ttl === 0 ? undefined : ttl], ['tos', tosWord(tos)], ['df', df === 'unset' ? undefined : df],
    ['flowlabel', label === 0 ? undefined : label], ['ageing', ageingSeconds], ['maxaddress', limit === 0 ? undefined : limit],
  ];
  return [
    ...words.flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)])),
    ...(sourcePorts === undefined || sourcePorts.high === 0 ? [] : ['srcport', String(sourcePorts.low), String(sourcePorts.high)]),
    ...SWITCHES.flatMap(([member, on, off]) => switchWord(vxlan[member], on, off)),
  ];
}

/** The number is hexadecimal to `ip`, with or without 0x. */
const tosWord = (tos: number | undefined): string | undefined => (tos === undefined || tos === 0 ? undefined : tos === 1 ? 'inherit' : `0x${tos.toString(16)}`);

/** `external` turns learning off to `ip`, so it comes first. */
const SWITCHES = [
  ['external', 'external', undefined], ['learning', 'learning', 'nolearning'], ['proxy', 'proxy', undefined], ['rsc', 'rsc', undefined], ['l2miss', 'l2miss', undefined], ['l3miss', 'l3miss', undefined],
  ['udpChecksum', undefined, 'noudpcsum'], ['udpZeroChecksum6Tx', 'udp6zerocsumtx', undefined], ['udpZeroChecksum6Rx', 'udp6zerocsumrx', undefined],
  ['remoteChecksumTx', 'remcsumtx', undefined], ['remoteChecksumRx', 'remcsumrx', undefined], ['gbp', 'gbp', undefined], ['gpe', 'gpe', undefined],
  ['vniFilter', 'vnifilter', undefined], ['localBypass', undefined, 'nolocalbypass'],
] as const satisfies (readonly [keyof VxlanAttributes, string | undefined, string | undefined])[];

/** The word where the value is not the kernel's default. */
function switchWord(value: boolean | undefined, on: string | undefined, off: string | undefined): string[] {
  const word = value === undefined ? undefined : value ? on : off;
  return word === undefined ? [] : [word];
}

/** Whether an address is that of a multicast group. */
export const isMulticast = (address: string | undefined): boolean => address !== undefined && /^(22[4-9]|23\d)\.|^ff[0-9a-f]{2}:/i.test(address);

function nativeFdb(verb: string, entry: FdbEntry): NativeCommand {
  const { mac, device, destination, port, vni, sourceVni, via, nexthopId, vlan, table, lifetime } = entry;
  const words: [string, string | number | undefined][] = [['dst', destination], ['port', port], ['vni', vni], ['src_vni', sourceVni], ['via', via], ['nhid', nexthopId], ['vlan', vlan]];
  return [
    'bridge', 'fdb', verb, mac, 'dev', device, ...words.flatMap(([name, value]) => (value === undefined ? [] : [name, String(value)])),
    table, ...(verb === 'delete' ? [] : [lifetime]), ...(verb !== 'delete' && entry.sticky ? ['sticky'] : []),
  ];
}

const familyWord = ({ destination }: RouteEntry): string[] => (destination.includes(':') ? ['-6'] : []);

const routeWords = ({ destination, via, device, onlink, metric, table, source, mtu, protocol }: RouteEntry): string[] => [
  destination, ...(via === undefined ? [] : ['via', via]), 'dev', device, ...(onlink === true ? ['onlink'] : []),
  ...(metric === undefined ? [] : ['metric', String(metric)]), ...(table === undefined ? [] : ['table', String(table)]),
  ...(source === undefined ? [] : ['src', source]), ...(protocol === undefined ? [] : ['proto', String(protocol)]), ...(mtu === undefined ? [] : ['mtu', String(mtu)]),
];
