/** How network interfaces look. */

import type { CardSection, CardView, Cell, TableView } from '../cli/view.ts';
import type { InterfaceDetail, NetworkInterface } from '../domain/links/index.ts';

/** The table of `link list`, in the manner of `ip -br address`. */
export const linksView: TableView<NetworkInterface> = {
  kind: 'Link',
  empty: 'No interfaces found.',
  name: ({ name }) => `link/${name}`,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'TYPE', value: ({ type }) => type },
    { header: 'STATE', value: ({ state }) => state, tone: ({ state }) => (state === 'up' ? 'good' : state === 'unknown' ? 'dim' : 'bad') },
    { header: 'MTU', value: ({ mtu }) => mtu },
    { header: 'ADDRESSES', value: ({ addresses }) => addresses.join(','), shrinkTo: 15 },
    { header: 'MASTER', value: ({ master }) => master, dropOrder: 2, shrinkTo: 6 },
    { header: 'DETAIL', value: detailOf, dropOrder: 1, shrinkTo: 12 },
    { header: 'MAC', value: ({ mac }) => mac, wide: true },
    { header: 'IFINDEX', value: ({ index }) => index, wide: true },
    { header: 'FLAGS', value: ({ flags }) => flags.join(','), wide: true },
    { header: 'QDISC', value: ({ qdisc }) => qdisc, wide: true },
    { header: 'XDP', value: ({ xdp }) => (xdp === undefined ? undefined : `${xdp.mode} ${xdp.programId ?? ''}`.trim()), wide: true },
    { header: 'ALIAS', value: ({ alias }) => alias, wide: true },
    { header: 'ALTNAMES', value: ({ altNames }) => altNames.join(','), wide: true },
  ],
};

/** What one wants to know of each kind at first sight. */
const SHOWN: Readonly<Record<string, readonly string[]>> = {
  vxlan: ['vni', 'local', 'group', 'port', 'external'], geneve: ['vni', 'remote', 'port', 'external'], vlan: ['id', 'protocol'], macvlan: ['mode'], macvtap: ['mode'], bond: ['mode'],
  bridge: ['stp', 'vlanFiltering'], tun: ['type', 'owner'], netkit: ['mode', 'policy', 'primary'], vrf: ['table'],
};

/** `vni 42 local 10.0.0.1 port 4789 dev eth0`; the peer of a veth. */
function detailOf({ type, kind, lower, lowerNetnsId }: NetworkInterface): string {
  const facts = (SHOWN[type] ?? []).filter((name) => isSet(kind[name])).map((name) => `${nameOf(name, kind[name])} ${String(kind[name])}`);
  const where = lowerNetnsId === undefined ? '' : ` netns-id ${lowerNetnsId}`;
  const below = lower === undefined ? [] : [`${type === 'veth' || type === 'netkit' ? 'peer' : 'dev'} ${lower}${where}`];
  return [...facts, ...below].join(' ');
}

/** What a VXLAN device keeps as its group may be one remote end. */
const nameOf = (name: string, value: unknown): string => (name === 'group' && !/^(22[4-9]|23\d)\.|^ff/i.test(String(value)) ? 'remote' : name);

const isSet = (value: unknown): boolean => value !== undefined && value !== false && value !== '' && typeof value !== 'object';

/** The card of `link get`. */
export const linkCard: CardView<InterfaceDetail> = {
  kind: 'Link',
  name: ({ name }) => `link/${name}`,
  lines: (link) => [
    ['NAME', link.name], ['TYPE', link.type], ['STATE', link.state], ['IFINDEX', link.index], ['FLAGS', link.flags.join(',')], ['MTU', mtuText(link)], ['MAC', link.mac],
    ['ADDRESSES', link.addresses.join('\n')], ['MASTER', link.master], ['BELOW', detailBelow(link)], ['ALIAS', link.alias], ['ALTNAMES', link.altNames.join(', ')], ['QDISC', link.qdisc],
    ['XDP', link.xdp === undefined ? undefined : `${link.xdp.mode} ${link.xdp.programId ?? ''}`], ['CARRIER-CHANGES', link.carrierChanges],
  ],
  sections: (link) => [factsSection(`As ${link.type}`, link.kind), factsSection(`As port of a ${link.port?.kind}`, link.port?.facts ?? {}), countersSection(link)].filter(({ rows }) => rows.length > 0),
};

const mtuText = ({ mtu, minMtu, maxMtu }: NetworkInterface): string => `${mtu}${maxMtu === undefined ? '' : ` (${minMtu ?? 0} to ${maxMtu})`}`;

const detailBelow = ({ lower, lowerNetnsId }: NetworkInterface): string | undefined => (lowerNetnsId === undefined ? lower : `${lower} in namespace id ${lowerNetnsId}`);

interface Fact {
  name: string;
  value: Cell;
}

function factsSection(title: string, facts: Readonly<Record<string, unknown>>): CardSection {
  const columns = [{ header: 'FACT', value: ({ name }: Fact) => name }, { header: 'VALUE', value: ({ value }: Fact) => value, align: 'left' as const }];
  const { unknown, ...known } = facts as Record<string, unknown> & { unknown?: Record<string, string> };
  const raw = Object.entries(unknown ?? {}).map(([number, hex]): Fact => ({ name: `attribute ${number}`, value: hex === '' ? 'set' : `0x${hex}` }));
  return { title, columns, rows: [...Object.entries(known).map(([name, value]): Fact => ({ name, value: factText(value) })), ...raw] };
}

const factText = (value: unknown): Cell => (value !== null && typeof value === 'object' ? JSON.stringify(value) : (value as Cell));

/** Counters that are not zero, and packets and bytes always. */
function countersSection({ statistics }: InterfaceDetail): CardSection {
  const columns = [{ header: 'COUNTER', value: ({ name }: Fact) => name }, { header: 'VALUE', value: ({ value }: Fact) => value, format: 'count' as const }];
  const shown = Object.entries(statistics).filter(([name, value]) => value !== 0n || /Packets|Bytes/.test(name));
  return { title: 'Counters', columns, rows: shown.map(([name, value]): Fact => ({ name, value })) };
}
