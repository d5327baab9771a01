/** Kinds that stand on another interface or face a peer: VLAN, MACVLAN, VRF, netkit. @kernel linux/if_link.h */

import { walk } from '../attributes.ts';
import { decodeBy, type KindFacts, type KindTable, mac, number, type ReadValue, u16, word, yes } from './decode.ts';

const VLAN_FLAGS = ['reorderHeader', 'gvrp', 'looseBinding', 'mvrp', 'bridgeBinding'];
const MACVLAN_MODES: Readonly<Record<number, string>> = { 1: 'private', 2: 'vepa', 4: 'bridge', 8: 'passthru', 16: 'source' };

const vlanProtocol: ReadValue = (bytes, from) => ({ 0x8100: '802.1Q', 0x88a8: '802.1ad' })[bytes.readUInt16BE(from)] ?? bytes.toString('hex', from, from + 2);

const vlanFlags: ReadValue = (bytes, from) => VLAN_FLAGS.filter((_name, bit) => ((bytes.readUInt32LE(from) >>> bit) & 1) === 1);

/** Pairs of `struct ifla_vlan_qos_mapping`. */
const vlanPriorities: ReadValue = (bytes, from, to) => {
  const pairs: { from: number; to: number }[] = [];
  walk(bytes, from, to, (_type, start) => pairs.push({ from: bytes.readUInt32LE(start), to: bytes.readUInt32LE(start + 4) }));
  return pairs;
};

const macs: ReadValue = (bytes, from, to) => {
  const found: unknown[] = [];
  walk(bytes, from, to, (_type, start, end) => found.push(mac(bytes, start, end)));
  return found;
};

const VLAN: KindTable = { 1: ['id', u16], 2: ['flags', vlanFlags], 3: ['egressPriorities', vlanPriorities], 4: ['ingressPriorities', vlanPriorities], 5: ['protocol', vlanProtocol] };

const MACVLAN: KindTable = {
  1: ['mode', (bytes, from) => MACVLAN_MODES[bytes.readUInt32LE(from)] ?? bytes.readUInt32LE(from)], 2: ['flags', u16], 5: ['sourceMacs', macs],
  6: ['sourceMacCount', number], 7: ['broadcastQueueLength', number], 8: ['broadcastQueueLengthUsed', number],
};

const VRF: KindTable = { 1: ['table', number] };

/** NETKIT_PASS and NETKIT_DROP, by the words of `ip`. */
const netkitPolicy: ReadValue = (bytes, from) => ({ 0: 'forward', 2: 'blackhole' })[bytes.readUInt32LE(from)] ?? bytes.readInt32LE(from);
const netkitScrub = word(['none', 'default'], number);

const NETKIT: KindTable = {
  2: ['primary', yes], 3: ['policy', netkitPolicy], 4: ['peerPolicy', netkitPolicy], 5: ['mode', word(['l2', 'l3'], number)], 6: ['scrub', netkitScrub],
  7: ['peerScrub', netkitScrub], 8: ['headroom', u16], 9: ['tailroom', u16],
};

/** Reads IFLA_INFO_DATA of a VLAN. */
export const readVlan = (data: Buffer): KindFacts => decodeBy(VLAN, data);

/** Reads IFLA_INFO_DATA of a MACVLAN or MACVTAP. */
export const readMacvlan = (data: Buffer): KindFacts => decodeBy(MACVLAN, data);

/** Reads IFLA_INFO_DATA of a VRF. */
export const readVrf = (data: Buffer): KindFacts => decodeBy(VRF, data);

/** Reads IFLA_INFO_DATA of a netkit device. */
export const readNetkit = (data: Buffer): KindFacts => decodeBy(NETKIT, data);
