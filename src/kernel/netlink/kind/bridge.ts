/** Bridges. Times are in seconds. @kernel linux/if_link.h IFLA_BR_* */

import { nest } from '../attributes.ts';
import { big, bridgeId, centiseconds, decodeBy, type KindFacts, type KindTable, mac, number, u16, u8, word, yes } from './decode.ts';

/** The protocol of a VLAN by its EtherType in network order. */
const vlanProtocol = (bytes: Buffer, from: number): string => ({ 0x8100: '802.1Q', 0x88a8: '802.1ad' })[bytes.readUInt16BE(from)] ?? bytes.toString('hex', from, from + 2);

const BRIDGE: KindTable = {
  1: ['forwardDelaySeconds', centiseconds], 2: ['helloSeconds', centiseconds], 3: ['maxAgeSeconds', centiseconds], 4: ['ageingSeconds', centiseconds],
  5: ['stp', word(['off', 'kernel', 'user'], number)], 6: ['priority', u16], 7: ['vlanFiltering', yes], 8: ['vlanProtocol', vlanProtocol],
  9: ['groupForwardMask', u16], 10: ['rootId', bridgeId], 11: ['bridgeId', bridgeId], 12: ['rootPort', u16], 13: ['rootPathCost', number],
  14: ['topologyChange', yes], 15: ['topologyChangeDetected', yes], 16: ['helloTimerSeconds', centiseconds], 17: ['tcnTimerSeconds', centiseconds],
  18: ['topologyChangeTimerSeconds', centiseconds], 19: ['gcTimerSeconds', centiseconds], 20: ['groupAddress', mac],
  22: ['multicastRouter', u8], 23: ['multicastSnooping', yes], 24: ['multicastQueryUsesAddress', yes], 25: ['multicastQuerier', yes],
  26: ['multicastHashElasticity', number], 27: ['multicastHashMax', number], 28: ['multicastLastMemberCount', number],
  29: ['multicastStartupQueryCount', number], 30: ['multicastLastMemberSeconds', centiseconds], 31: ['multicastMembershipSeconds', centiseconds],
  32: ['multicastQuerierSeconds', centiseconds], 33: ['multicastQuerySeconds', centiseconds], 34: ['multicastQueryResponseSeconds', centiseconds],
  35: ['multicastStartupQuerySeconds', centiseconds], 36: ['callsIptables', yes], 37: ['callsIp6tables', yes], 38: ['callsArptables', yes],
  39: ['defaultPvid', u16], 41: ['vlanStatistics', yes], 42: ['multicastStatistics', yes], 43: ['igmpVersion', u8], 44: ['mldVersion', u8],
  45: ['vlanStatisticsPerPort', yes], 46: ['options', big], 48: ['fdbLearned', number], 49: ['fdbMaxLearned', number],
};

const PORT: KindTable = {
  1: ['state', word(['disabled', 'listening', 'learning', 'forwarding', 'blocking'])], 2: ['priority', u16], 3: ['cost', number], 4: ['hairpin', yes], 5: ['guard', yes],
  6: ['rootBlock', yes], 7: ['fastLeave', yes], 8: ['learning', yes], 9: ['flood', yes], 10: ['proxyArp', yes], 11: ['learningSync', yes], 12: ['proxyArpWifi', yes],
  13: ['rootId', bridgeId], 14: ['bridgeId', bridgeId], 15: ['designatedPort', u16], 16: ['designatedCost', u16], 17: ['id', u16], 18: ['number', u16],
  19: ['topologyChangeAck', yes], 20: ['configPending', yes], 21: ['messageAgeSeconds', centiseconds], 22: ['forwardDelaySeconds', centiseconds],
  23: ['holdSeconds', centiseconds], 25: ['multicastRouter', u8], 27: ['multicastFlood', yes], 28: ['multicastToUnicast', yes], 29: ['vlanTunnel', yes],
  30: ['broadcastFlood', yes], 31: ['groupForwardMask', u16], 32: ['neighbourSuppression', yes], 33: ['isolated', yes], 34: ['backupPort', number],
  35: ['mrpRingOpen', yes], 36: ['mrpInterconnectOpen', yes], 37: ['multicastHostsLimit', number], 38: ['multicastHosts', number], 39: ['locked', yes],
  40: ['macAuthenticationBypass', yes], 41: ['multicastGroups', number], 42: ['multicastGroupsLimit', number], 43: ['neighbourVlanSuppression', yes], 44: ['backupNexthop', number],
};

/** Reads IFLA_INFO_SLAVE_DATA of a port of a bridge. */
export const readBridgePort = (data: Buffer): KindFacts => decodeBy(PORT, data);

/** Reads IFLA_INFO_DATA of a bridge. */
export const readBridge = (data: Buffer): KindFacts => decodeBy(BRIDGE, data);

/** Switches of a port of a bridge, by the names that `readBridgePort` gives them. */
const PORT_SWITCHES = {
  hairpin: 4, guard: 5, rootBlock: 6, fastLeave: 7, learning: 8, flood: 9, proxyArp: 10, multicastFlood: 27, vlanTunnel: 29, broadcastFlood: 30, neighbourSuppression: 32, isolated: 33, locked: 39,
} as const;

/** IFLA_INFO_SLAVE_DATA that sets these switches and leaves the others. */
export const bridgePortData = (switches: { readonly [name in keyof typeof PORT_SWITCHES]?: boolean | undefined }): Buffer =>
  nest(Object.entries(switches).flatMap(([name, on]) => (on === undefined ? [] : [[PORT_SWITCHES[name as keyof typeof PORT_SWITCHES], Buffer.from([Number(on)])] as const])));
