/** The scratch network of a live run: two namespaces, and a veth between them for each interface that rules name. */

import { filterTable } from '../../../classifier/index.ts';
import type { Family, Ruleset } from '../../../netfilter/index.ts';

export interface Device {
  name: string;
  /** Its other end, in the peers' namespace. */
  peer: string;
  number: number;
  /** TOS byte that routes a packet out of it. */
  trafficClass: number;
}

/** TOS byte of packets that are for the node itself. */
export const LOCAL_CLASS = 4;
/** TOS values that every kernel routes by: multiples of four below 0x20. */
const MOST_DEVICES = 6;
/** Marks that are set by source address; more would need more rules than they are worth. */
export const MOST_MARKS = 12;

/** A device for each interface name in the rules, `eth+` standing for eth0, and one that no rule names. */
export function layOutDevices(ruleset: Ruleset): Device[] {
  const rules = filterTable(ruleset)!.chains.flatMap((chain) => chain.rules);
  const wanted = rules.flatMap(({ inInterface, outInterface }) => [inInterface?.value, outInterface?.value]);
  const names = new Set(wanted.flatMap((pattern) => (pattern === undefined || pattern === '+' || pattern === 'lo' ? [] : [pattern.replace(/\+$/, '0').slice(0, 15)])));
  return ['sv-other', ...names].slice(0, MOST_DEVICES).map((name, i) => ({ name, peer: `p${i + 1}`, number: i + 1, trafficClass: 8 + i * 4 }));
}

/** Packet marks that rules test. */
export function marksOf(ruleset: Ruleset): number[] {
  const matches = filterTable(ruleset)!.chains.flatMap((chain) => chain.rules.flatMap((rule) => rule.matches));
  return [...new Set(matches.flatMap((match) => (match.kind === 'mark' ? [match.value] : [])))].filter((mark) => mark !== 0).slice(0, MOST_MARKS);
}

export const deviceAddress = (number: number): Buffer => Buffer.from([2, 0, 0, 0, 0, number]);
/** Source address of frames whose packets get mark number `index`; 0 is no mark. */
export const markAddress = (index: number): Buffer => Buffer.from([2, 0, 0, 0, 1, index]);

export const linkLines = (devices: readonly Device[], node: string, peers: string): string[] =>
  devices.map(({ name, peer, number }) => `link add ${name} netns ${node} address 02:00:00:00:00:0${number} type veth peer name ${peer} netns ${peers}`);

/** Addresses, and a routing table for each device, chosen by TOS; everything of `LOCAL_CLASS` is local. */
export function nodeLines(devices: readonly Device[], family: Family): string[] {
  const ipv4 = family === 'ipv4';
  const hop = (number: number): string => (ipv4 ? `10.255.${number}.2` : `fd0f:${number}::2`);
  return [
    'link set lo up',
    ...devices.flatMap(({ name, number }) => [`addr add ${ipv4 ? `10.255.${number}.1/24` : `fd0f:${number}::1/64 nodad`} dev ${name}`, `link set ${name} up`]),
    ...devices.flatMap(({ name, number, trafficClass }) => [
      `neigh add ${hop(number)} lladdr 02:00:00:00:02:0${number} dev ${name} nud permanent`,
      `route add default via ${hop(number)} dev ${name} onlink table ${100 + number}`,
      `rule add tos 0x${trafficClass.toString(16)} lookup ${100 + number} pref ${10 + number}`,
    ]),
    `route add default via ${hop(1)} dev ${devices[0]!.name} onlink`,
    'route add local default dev lo table 100',
    `rule add tos 0x${LOCAL_CLASS.toString(16)} lookup 100 pref 10`,
  ];
}

/** Sets marks by source address before the filter table. */
export function markTable(marks: readonly number[]): string {
  const mac = (index: number): string => [...markAddress(index)].map((byte) => byte.toString(16).padStart(2, '0')).join(':');
  const rules = marks.map((mark, i) => `-A PREROUTING -m mac --mac-source ${mac(i + 1)} -j MARK --set-xmark 0x${mark.toString(16)}/0xffffffff`);
  return ['*mangle', ':PREROUTING ACCEPT [0:0]', ...rules, 'COMMIT', ''].join('\n');
}

/** Rules that only switch connection tracking on and let everything pass. */
export const TRACKING_TABLE = [
  '*filter', ':INPUT ACCEPT [0:0]', ':FORWARD ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', '-A FORWARD -m conntrack --ctstate INVALID -j ACCEPT', 'COMMIT', '',
].join('\n');
