/** How tunnels and what was done to them look. */

import type { CardSection, CardView, Cell, TableView } from '../cli/view.ts';
import type { FdbEntry, OverlayOutcome, Tunnel, TunnelDetail } from '../domain/vxlan/index.ts';
import { fdbColumns } from './fdb.ts';

/** Entries that a card shows; JSON and `fdb list` have all. */
const SHOWN_ENTRIES = 20;

const ends = ({ local, underlay }: Tunnel): string | undefined => local ?? (underlay === undefined ? undefined : `dev ${underlay}`);

/** The table of `vxlan list`. */
export const tunnelsView: TableView<Tunnel> = {
  kind: 'VxlanTunnel',
  empty: 'No tunnels found.',
  name: ({ name }) => `vxlan/${name}`,
  columns: [
    { header: 'NAME', value: ({ name }) => name },
    { header: 'VNI', value: ({ vni, attributes }) => (attributes.external === true ? 'external' : vni), align: 'left' },
    { header: 'LOCAL', value: ends },
    { header: 'PORT', value: ({ port }) => port },
    { header: 'MTU', value: ({ mtu }) => mtu },
    { header: 'PEERS', value: ({ peers }) => peers },
    { header: 'STATE', value: ({ state }) => state, tone: ({ state }) => (state === 'up' ? 'good' : 'bad') },
    { header: 'OWNER', value: ({ owner }) => owner, dropOrder: 1 },
    { header: 'ISSUES', value: ({ issues }) => issues.join(','), tone: ({ issues }) => (issues.length > 0 ? 'warn' : undefined) },
    { header: 'GROUP', value: ({ group }) => group, wide: true },
    { header: 'UNDERLAY', value: ({ underlay }) => underlay, wide: true },
    { header: 'ADDRESSES', value: ({ addresses }) => addresses.join(','), wide: true },
    { header: 'BRIDGE', value: ({ master }) => master, wide: true },
    { header: 'MAC', value: ({ mac }) => mac, wide: true },
    { header: 'IFINDEX', value: ({ index }) => index, wide: true },
    { header: 'LEARNING', value: ({ attributes }) => yesNo(attributes.learning), wide: true },
    { header: 'AGEING', value: ({ attributes }) => attributes.ageingSeconds, format: 'age', wide: true },
    { header: 'ENTRIES', value: ({ entries }) => entries, wide: true },
  ],
};

const yesNo = (value: boolean | undefined): string | undefined => (value === undefined ? undefined : value ? 'yes' : 'no');

/** The card of `vxlan get`. */
export const tunnelCard: CardView<TunnelDetail> = {
  kind: 'VxlanTunnel',
  name: ({ name }) => `vxlan/${name}`,
  lines: (tunnel) => [
    ['NAME', tunnel.name], ['VNI', tunnel.attributes.external === true ? 'external' : tunnel.vni], ['STATE', tunnel.state], ['OWNER', tunnel.owner], ['LOCAL', tunnel.local],
    ['UNDERLAY', tunnel.underlay], ['GROUP', tunnel.group], ['REMOTES', tunnel.remotes.join(', ')], ['PORT', tunnel.port], ['MTU', tunnel.mtu], ['MAC', tunnel.mac],
    ['ADDRESSES', tunnel.addresses.join(', ')], ['BRIDGE', tunnel.master], ['OPTIONS', optionsText(tunnel)], ['ACCEPTS', tunnel.vnis.map(rangeOf).join(', ')], ['PEERS', tunnel.peers], ['ISSUES', tunnel.issues.join(', ')],
  ],
  sections: (tunnel) => (tunnel.fdb.length === 0 ? [] : [entriesSection(tunnel)]),
};

const rangeOf = ({ from, to, group }: TunnelDetail['vnis'][number]): string => `${from === to ? from : `${from}-${to}`}${group === undefined ? '' : ` to ${group}`}`;

/** What differs from a plain device, in the words of the flags. */
function optionsText({ attributes }: Tunnel): string {
  const { learning, proxy, l2miss, l3miss, gbp, gpe, external, vniFilter, ttl, ttlInherit, tos, df, sourcePorts, ageingSeconds, udpChecksum } = attributes;
  const words: [string, boolean | undefined][] = [
    ['no learning', learning === false], ['proxy', proxy], ['l2miss', l2miss], ['l3miss', l3miss], ['gbp', gbp], ['gpe', gpe], ['external', external], ['vnifilter', vniFilter],
    [`ttl ${ttl}`, ttl !== undefined && ttl > 0], ['ttl inherit', ttlInherit], [`tos ${tos === 1 ? 'inherit' : tos}`, tos !== undefined && tos > 0], [`df ${df}`, df !== undefined && df !== 'unset'],
    [`source ports ${sourcePorts?.low}-${sourcePorts?.high}`, sourcePorts !== undefined && sourcePorts.high > 0], [`ageing ${ageingSeconds} s`, learning], ['no UDP checksum', udpChecksum === false],
  ];
  return words.filter(([, holds]) => holds === true).map(([word]) => word).join(', ');
}

function entriesSection({ name, fdb }: TunnelDetail): CardSection {
  const left = fdb.length - SHOWN_ENTRIES;
  const shown: readonly FdbEntry[] = fdb.slice(0, SHOWN_ENTRIES);
  return { title: `Forwarding database${left > 0 ? `, the first ${SHOWN_ENTRIES} of ${fdb.length}: sluice vxlan fdb list ${name}` : ''}`, columns: fdbColumns.filter(({ header }) => header !== 'DEVICE'), rows: shown };
}

/** What became of a change of the overlay. */
export const overlayCard: CardView<OverlayOutcome> = {
  kind: 'VxlanChange',
  name: ({ name }) => `vxlan/${name}`,
  lines: ({ summary, change, tunnel, commands, dryRun, notes }) => [
    ['SUMMARY', summary],
    ...(change === undefined ? [] : [['CHANGE', change.record.id], ['STATE', change.state]] as const),
    ...(tunnel === undefined ? [] : tunnelLines(tunnel)),
    ...(dryRun === undefined ? [] : [['COMMANDS', commands.join('\n')] as const]),
    ...(notes.length === 0 ? [] : [['NOTE', notes.join('\n')] as const]),
  ],
  footer: (outcome) => footer(outcome),
  json: ({ change, ...rest }) => ({ ...rest, ...(change === undefined ? {} : { change: change.record.id, state: change.state, revertsAt: change.revertsAt }) }),
};

const tunnelLines = ({ mtu, mac, local, underlay }: Tunnel): [string, Cell][] => [['LOCAL', local ?? underlay], ['MTU', mtu], ['MAC', mac]];

function footer({ change, dryRun, commands }: OverlayOutcome): string[] {
  if (dryRun === 'client') return ['DRY RUN: nothing was changed; these commands do the same'];
  if (dryRun === 'kernel') return ['DRY RUN: the kernel took it in a network namespace of its own; nothing was changed here'];
  if (change === undefined) return commands.length === 0 ? ['Nothing to do.'] : [];
  if (change.state === 'pending' && change.revertsAt !== undefined) return [`REVERTS ${new Date(change.revertsAt).toTimeString().slice(0, 8)} unless:  sluice change confirm ${change.record.id}`];
  return [`Undo:  sluice change rollback ${change.record.id}`];
}
