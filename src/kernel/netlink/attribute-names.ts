/** Names of attributes, for errors that point at one. */

import { ifAddr, ifLink, neighbour, nexthop, rtnetlink } from '../uapi/index.ts';

const { RTM_NEWADDR, RTM_NEWLINK, RTM_NEWNEIGH, RTM_NEWNEXTHOP, RTM_NEWROUTE } = rtnetlink;

/** By the first message type of a family of four: constants and the beginning of those that name its attributes. */
const FAMILIES: Readonly<Record<number, readonly [Readonly<Record<string, number>>, RegExp]>> = {
  [RTM_NEWLINK]: [ifLink, /^IFLA_(?!INFO_|XDP_|VXLAN_)/],
  [RTM_NEWADDR]: [ifAddr, /^IFA_(?!F_)/],
  [RTM_NEWROUTE]: [rtnetlink, /^RTA_/],
  [RTM_NEWNEIGH]: [neighbour, /^NDA_/],
  [RTM_NEWNEXTHOP]: [nexthop, /^NHA_/],
};

/** `IFLA_MTU`; the number where there is no name. `path` holds the names around it, `kind` the kind of the link. */
export function nameAttribute(messageType: number, path: readonly string[], kind: string, type: number): string {
  const [names, prefix] = namesFor(messageType, path, kind);
  return Object.entries(names).find(([name, value]) => value === type && prefix.test(name))?.[0] ?? String(type);
}

function namesFor(messageType: number, path: readonly string[], kind: string): readonly [Readonly<Record<string, number>>, RegExp] {
  if (path.length === 0) return FAMILIES[messageType & ~3] ?? [{}, /^/];
  if (path.at(-1) === 'IFLA_LINKINFO') return [ifLink, /^IFLA_INFO_/];
  if (path.at(-1) === 'IFLA_INFO_DATA' && kind === 'vxlan') return [ifLink, /^IFLA_VXLAN_/];
  return [{}, /^/];
}
