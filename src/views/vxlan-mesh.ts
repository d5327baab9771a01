/** How meshes look. */

import type { CardSection, CardView, Column, TableView } from '../cli/view.ts';
import type { MeshOutcome, PlanRow } from '../domain/vxlan/index.ts';

const SIGNS = { create: '+', change: '~', delete: '-' } as const;
const TONES = { create: 'good', change: 'warn', delete: 'bad' } as const;

const columns: Column<PlanRow>[] = [
  { header: ' ', value: ({ action }) => SIGNS[action], tone: ({ action }) => TONES[action] },
  { header: 'DEVICE', value: ({ device }) => device },
  { header: 'OBJECT', value: ({ object }) => object },
  { header: 'KEY', value: ({ key }) => key },
  { header: 'BEFORE', value: ({ before }) => before },
  { header: 'AFTER', value: ({ after }) => after },
];

/** The table of `vxlan diff`. */
export const meshDiffView: TableView<PlanRow> = {
  kind: 'VxlanDifference',
  empty: 'Nothing differs.',
  name: ({ device, object, key }) => `${object}/${device}/${key}`,
  columns,
};

/** The card of `vxlan apply`; every difference only where it is asked for. */
export const meshCard = (everything: boolean): CardView<MeshOutcome> => ({
  kind: 'VxlanApplied',
  name: ({ devices }) => `vxlan/${devices.join(',')}`,
  lines: ({ documents, devices, rows, change, cleanedUp }) => {
    const lines: [string, string | undefined][] = [
      ['DOCUMENT', documents.join('\n')], ['DEVICE', devices.join(', ')], ['CREATED', countObjects(rows, 'create')], ['CHANGED', countObjects(rows, 'change')],
      ['DELETED', countObjects(rows, 'delete')], ['CHANGE', change?.record.id], ['CLEANED-UP', cleanedUp === undefined ? undefined : `change ${cleanedUp}, which had been cut off, was undone first`],
    ];
    return lines.filter(([, value]) => value !== undefined);
  },
  sections: ({ rows }): CardSection[] => (everything && rows.length > 0 ? [{ title: 'Differences', columns, rows }] : []),
  footer: ({ rows, dryRun, change }) => [
    ...(rows.length === 0 ? ['Nothing differs: nothing was changed.'] : []),
    ...(dryRun === undefined ? [] : [dryRun === 'kernel' ? 'DRY RUN: made in a namespace of its own and let go; the node was not changed' : 'DRY RUN: nothing was changed']),
    ...(change?.state === 'pending' ? [`REVERTS by itself unless:  sluice change confirm ${change.record.id}`] : []),
  ],
  json: ({ change, ...rest }) => ({ ...rest, changed: change !== undefined, ...(change === undefined ? {} : { change: change.record.id, state: change.state }) }),
});

const NOUNS = { link: ['link', 'links'], address: ['address', 'addresses'], fdb: ['fdb entry', 'fdb entries'], neighbour: ['neighbour', 'neighbours'], route: ['route', 'routes'] } as const;

/** `1 link, 999 fdb entries, 999 routes`. */
function countObjects(rows: readonly PlanRow[], action: PlanRow['action']): string | undefined {
  const counts = [...Map.groupBy(rows.filter((row) => row.action === action), ({ object }) => object)];
  return counts.length === 0 ? undefined : counts.map(([object, { length }]) => `${length} ${NOUNS[object][length === 1 ? 0 : 1]}`).join(', ');
}
