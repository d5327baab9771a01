/** How entries of a forwarding database look. */

import type { Column, TableView } from '../cli/view.ts';
import type { FdbEntry } from '../domain/vxlan/index.ts';

/** Columns of entries, also inside cards. */
export const fdbColumns: readonly Column<FdbEntry>[] = [
  { header: 'DEVICE', value: ({ device }) => device, shrinkTo: 8 },
  { header: 'MAC', value: ({ mac }) => mac },
  { header: 'DST', value: ({ destination, nexthopId, nexthops }) => destination ?? (nexthopId === undefined ? undefined : `nexthop ${nexthopId} (${nexthops?.join(',')})`) },
  { header: 'VLAN', value: ({ vlan }) => vlan, dropOrder: 3 },
  { header: 'TABLE', value: ({ table, master }) => (table === 'self' ? 'self' : (master ?? 'master')) },
  { header: 'LIFETIME', value: ({ lifetime }) => lifetime, tone: ({ lifetime }) => (lifetime === 'dynamic' ? 'dim' : undefined) },
  { header: 'USED', value: ({ usedSeconds }) => usedSeconds, format: 'age', dropOrder: 2 },
  { header: 'UPDATED', value: ({ updatedSeconds }) => updatedSeconds, format: 'age', dropOrder: 1 },
  { header: 'PORT', value: ({ port }) => port, wide: true },
  { header: 'VNI', value: ({ vni }) => vni, wide: true },
  { header: 'SRC-VNI', value: ({ sourceVni }) => sourceVni, wide: true },
  { header: 'VIA', value: ({ via }) => via, wide: true },
  { header: 'FLAGS', value: ({ externallyLearned, sticky, offloaded }) => [externallyLearned ? 'extern_learn' : '', sticky ? 'sticky' : '', offloaded ? 'offload' : ''].filter((word) => word !== '').join(','), wide: true },
];

/** The table of `fdb list`. */
export const fdbView: TableView<FdbEntry> = {
  kind: 'FdbEntry',
  empty: 'No entries found.',
  name: ({ device, mac, destination }) => `fdb/${device}/${mac}${destination === undefined ? '' : `/${destination}`}`,
  columns: fdbColumns,
};
