/** VXLAN devices. */

import { formatVxlan } from 'netlink/dist/rt/ifla.js';
import { AttrStream } from 'netlink/dist/structs.js';
import { given } from '../../../lib/members.ts';
import { ifLink } from '../../uapi/index.ts';
import { ipBytes } from '../address.ts';
import { type RawAttribute, u16be } from '../attributes.ts';
import { decodeBy, ip, type KindTable, number, port, u8, word, yes } from './decode.ts';

/**
 * What makes up a VXLAN device. When it is made, absent members are the kernel's defaults; when it is read, all that the
 * kernel told are there.
 *
 * @rfc 7348 @kernel linux/if_link.h IFLA_VXLAN_*
 */
export interface VxlanAttributes {
  /** VXLAN network identifier, 24 bits; 0 with `external`. */
  vni?: number;
  /** Multicast group, or the one remote VTEP that unknown destinations go to. */
  group?: string;
  local?: string;
  /** Index of the underlay interface. */
  lower?: number;
  /** 0 is the kernel's default; undefined with `ttlInherit`. */
  ttl?: number;
  ttlInherit?: boolean;
  /** 1 copies that of the inner packet. */
  tos?: number;
  df?: 'unset' | 'set' | 'inherit';
  /** IPv6 flow label. */
  label?: number;
  learning?: boolean;
  ageingSeconds?: number;
  /** Most FDB entries; 0 is no limit. */
  limit?: number;
  /** UDP source ports, both ends included. */
  sourcePorts?: { low: number; high: number };
  /** UDP destination port, host order. */
  port?: number;
  /** Answers ARP and neighbour solicitations from its neighbour entries. */
  proxy?: boolean;
  /** Route short circuit. */
  rsc?: boolean;
  l2miss?: boolean;
  l3miss?: boolean;
  udpChecksum?: boolean;
  udpZeroChecksum6Tx?: boolean;
  udpZeroChecksum6Rx?: boolean;
  remoteChecksumTx?: boolean;
  remoteChecksumRx?: boolean;
  remoteChecksumNoPartial?: boolean;
  /** Group based policy extension. */
  gbp?: boolean;
  /** Generic protocol extension. */
  gpe?: boolean;
  /** VNI and remote come with each packet (eBPF, OVS, lightweight tunnels). */
  external?: boolean;
  vniFilter?: boolean;
  localBypass?: boolean;
}

const DF = ['unset', 'set', 'inherit'] as const;

/** Reads IFLA_INFO_DATA of a VXLAN device. */
export const VXLAN: KindTable = {
  [ifLink.IFLA_VXLAN_ID]: ['vni', number],
  [ifLink.IFLA_VXLAN_GROUP]: ['group', ip],
  [ifLink.IFLA_VXLAN_GROUP6]: ['group', ip],
  [ifLink.IFLA_VXLAN_LINK]: ['lower', number],
  [ifLink.IFLA_VXLAN_LOCAL]: ['local', ip],
  [ifLink.IFLA_VXLAN_LOCAL6]: ['local', ip],
  [ifLink.IFLA_VXLAN_TTL]: ['ttl', u8],
  [ifLink.IFLA_VXLAN_TTL_INHERIT]: ['ttlInherit', yes],
  [ifLink.IFLA_VXLAN_TOS]: ['tos', u8],
  [ifLink.IFLA_VXLAN_DF]: ['df', word(DF)],
  // A flow label is in network byte order.
  [ifLink.IFLA_VXLAN_LABEL]: ['label', (bytes, from) => bytes.readUInt32BE(from)],
  [ifLink.IFLA_VXLAN_LABEL_POLICY]: ['labelPolicy', word(['fixed', 'inherit'], number)],
  [ifLink.IFLA_VXLAN_LEARNING]: ['learning', yes],
  [ifLink.IFLA_VXLAN_AGEING]: ['ageingSeconds', number],
  [ifLink.IFLA_VXLAN_LIMIT]: ['limit', number],
  [ifLink.IFLA_VXLAN_PORT_RANGE]: ['sourcePorts', (bytes, from) => ({ low: bytes.readUInt16BE(from), high: bytes.readUInt16BE(from + 2) })],
  [ifLink.IFLA_VXLAN_PORT]: ['port', port],
  [ifLink.IFLA_VXLAN_PROXY]: ['proxy', yes],
  [ifLink.IFLA_VXLAN_RSC]: ['rsc', yes],
  [ifLink.IFLA_VXLAN_L2MISS]: ['l2miss', yes],
  [ifLink.IFLA_VXLAN_L3MISS]: ['l3miss', yes],
  [ifLink.IFLA_VXLAN_UDP_CSUM]: ['udpChecksum', yes],
  [ifLink.IFLA_VXLAN_UDP_ZERO_CSUM6_TX]: ['udpZeroChecksum6Tx', yes],
  [ifLink.IFLA_VXLAN_UDP_ZERO_CSUM6_RX]: ['udpZeroChecksum6Rx', yes],
  [ifLink.IFLA_VXLAN_REMCSUM_TX]: ['remoteChecksumTx', yes],
  [ifLink.IFLA_VXLAN_REMCSUM_RX]: ['remoteChecksumRx', yes],
  [ifLink.IFLA_VXLAN_REMCSUM_NOPARTIAL]: ['remoteChecksumNoPartial', yes],
  [ifLink.IFLA_VXLAN_GBP]: ['gbp', yes],
  [ifLink.IFLA_VXLAN_GPE]: ['gpe', yes],
  [ifLink.IFLA_VXLAN_COLLECT_METADATA]: ['external', yes],
  [ifLink.IFLA_VXLAN_VNIFILTER]: ['vniFilter', yes],
  [ifLink.IFLA_VXLAN_LOCALBYPASS]: ['localBypass', yes],
};

/** Reads the kind data of a VXLAN link. */
export const readVxlan = (data: Buffer): VxlanAttributes => decodeBy(VXLAN, data) as VxlanAttributes;

/** IFLA_INFO_DATA for a VXLAN device to make, or for one to change. */
export function vxlanData(vxlan: VxlanAttributes): Buffer {
  const out = new AttrStream();
  out.emit(formatVxlan({ ...given(numbers(vxlan)), ...given(flagBytes(vxlan)), ...endpoints(vxlan), ...markers(vxlan) }));
  for (const [type, value] of younger(vxlan)) out.push(type, value);
  return Buffer.concat(out.bufs);
}

const numbers = ({ vni, lower, ttl, tos, ageingSeconds, limit }: VxlanAttributes) => ({ id: vni, link: lower, ttl, tos, ageing: ageingSeconds, limit });

const flagBytes = (vxlan: VxlanAttributes) => ({
  learning: bit(vxlan.learning), proxy: bit(vxlan.proxy), rsc: bit(vxlan.rsc), l2miss: bit(vxlan.l2miss), l3miss: bit(vxlan.l3miss),
  udpCsum: bit(vxlan.udpChecksum), udpZeroCsum6Tx: bit(vxlan.udpZeroChecksum6Tx), udpZeroCsum6Rx: bit(vxlan.udpZeroChecksum6Rx),
  remcsumTx: bit(vxlan.remoteChecksumTx), remcsumRx: bit(vxlan.remoteChecksumRx), collectMetadata: bit(vxlan.external),
});

/** Attributes whose presence is their meaning. */
const markers = ({ gbp, gpe, ttlInherit, remoteChecksumNoPartial }: VxlanAttributes) => ({
  ...(gbp === true ? { gbp } as const : {}),
  ...(gpe === true ? { gpe } as const : {}),
  ...(ttlInherit === true ? { ttlInherit: Buffer.alloc(0) } : {}),
  ...(remoteChecksumNoPartial === true ? { remcsumNopartial: Buffer.alloc(0) } : {}),
});

function endpoints({ group, local, port: udpPort, sourcePorts, df }: VxlanAttributes) {
  return {
    ...(group === undefined ? {} : byFamily('group', ipBytes(group))),
    ...(local === undefined ? {} : byFamily('local', ipBytes(local))),
    ...(udpPort === undefined ? {} : { port: u16be(udpPort) }),
    ...(sourcePorts === undefined ? {} : { portRange: Buffer.concat([u16be(sourcePorts.low), u16be(sourcePorts.high)]) }),
    ...(df === undefined ? {} : { df: Buffer.from([DF.indexOf(df)]) }),
  };
}

const byFamily = (name: string, bytes: Buffer): Record<string, Buffer> => ({ [bytes.length === 4 ? name : `${name}6`]: bytes });

/** What the package does not know, or not the byte order of. */
function younger({ label, vniFilter, localBypass }: VxlanAttributes): RawAttribute[] {
  const attributes: RawAttribute[] = [];
  if (label !== undefined) {
    const bytes = Buffer.alloc(4);
    bytes.writeUInt32BE(label);
    attributes.push([ifLink.IFLA_VXLAN_LABEL, bytes]);
  }
  if (vniFilter !== undefined) attributes.push([ifLink.IFLA_VXLAN_VNIFILTER, Buffer.from([bit(vniFilter)!])]);
  if (localBypass !== undefined) attributes.push([ifLink.IFLA_VXLAN_LOCALBYPASS, Buffer.from([bit(localBypass)!])]);
  return attributes;
}

const bit = (value: boolean | undefined): number | undefined => (value === undefined ? undefined : Number(value));
