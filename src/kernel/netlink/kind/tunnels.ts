/** Geneve tunnels and TUN/TAP devices. @kernel linux/if_link.h IFLA_GENEVE_*, IFLA_TUN_* */

import { decodeBy, ip, type KindFacts, type KindTable, number, port, u8, word, yes } from './decode.ts';

const GENEVE: KindTable = {
  1: ['vni', number], 2: ['remote', ip], 3: ['ttl', u8], 4: ['tos', u8], 5: ['port', port], 6: ['external', yes], 7: ['remote', ip], 8: ['udpChecksum', yes],
  9: ['udpZeroChecksum6Tx', yes], 10: ['udpZeroChecksum6Rx', yes], 11: ['label', (bytes, from) => bytes.readUInt32BE(from)], 12: ['ttlInherit', yes],
  13: ['df', word(['unset', 'set', 'inherit'])], 14: ['innerProtoInherit', yes],
  15: ['sourcePorts', (bytes, from) => ({ low: bytes.readUInt16BE(from), high: bytes.readUInt16BE(from + 2) })],
};

const TUN: KindTable = {
  1: ['owner', number], 2: ['group', number], 3: ['type', word(['', 'tun', 'tap'])], 4: ['packetInformation', yes], 5: ['vnetHeader', yes],
  6: ['persistent', yes], 7: ['multiQueue', yes], 8: ['queues', number], 9: ['disabledQueues', number],
};

/** Reads IFLA_INFO_DATA of a Geneve tunnel. */
export const readGeneve = (data: Buffer): KindFacts => decodeBy(GENEVE, data);

/** Reads IFLA_INFO_DATA of a TUN or TAP device. */
export const readTun = (data: Buffer): KindFacts => decodeBy(TUN, data);
