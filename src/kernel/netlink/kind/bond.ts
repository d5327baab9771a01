/** Bonds. Times are in milliseconds. @kernel linux/if_link.h IFLA_BOND_* */

import { walk } from '../attributes.ts';
import { decodeBy, ip, type KindFacts, type KindTable, mac, number, type ReadValue, u16, u8, word, yes } from './decode.ts';

const MODES = ['balance-rr', 'active-backup', 'balance-xor', 'broadcast', '802.3ad', 'balance-tlb', 'balance-alb'];
const HASHES = ['layer2', 'layer3+4', 'layer2+3', 'encap2+3', 'encap3+4', 'vlan+srcmac'];

const addresses: ReadValue = (bytes, from, to) => {
  const found: unknown[] = [];
  walk(bytes, from, to, (_type, start, end) => found.push(ip(bytes, start, end)));
  return found;
};

const AGGREGATOR: KindTable = { 1: ['id', u16], 2: ['ports', u16], 3: ['actorKey', u16], 4: ['partnerKey', u16], 5: ['partnerMac', mac] };

const BOND: KindTable = {
  1: ['mode', word(MODES)], 2: ['activePort', number], 3: ['miimonMs', number], 4: ['upDelayMs', number], 5: ['downDelayMs', number], 6: ['useCarrier', yes],
  7: ['arpIntervalMs', number], 8: ['arpTargets', addresses], 9: ['arpValidate', number], 10: ['arpAllTargets', word(['any', 'all'], number)],
  11: ['primary', number], 12: ['primaryReselect', word(['always', 'better', 'failure'])], 13: ['failOverMac', word(['none', 'active', 'follow'])],
  14: ['hashPolicy', word(HASHES)], 15: ['resendIgmp', number], 16: ['peerNotifications', u8], 17: ['allPortsActive', yes], 18: ['minLinks', number],
  19: ['learningPacketSeconds', number], 20: ['packetsPerPort', number], 21: ['lacpRate', word(['slow', 'fast'])],
  22: ['lacpSelect', word(['stable', 'bandwidth', 'count'])], 23: ['aggregator', (bytes, from, to) => decodeBy(AGGREGATOR, bytes.subarray(from, to))],
  24: ['lacpSystemPriority', u16], 25: ['lacpUserPortKey', u16], 26: ['lacpSystem', mac], 27: ['dynamicLoadBalance', yes], 28: ['peerNotificationDelayMs', number],
  29: ['lacpActive', yes], 30: ['missedMax', u8], 31: ['neighbourTargets', addresses], 32: ['coupledControl', yes],
};

/** Reads IFLA_INFO_DATA of a bond. */
export const readBond = (data: Buffer): KindFacts => decodeBy(BOND, data);
