/** How pins look. */

import type { Column, TableView } from '../cli/view.ts';
import type { Garbage, PinnedObject } from '../domain/programs/index.ts';

const columns: readonly Column<PinnedObject>[] = [
  { header: 'PATH', value: ({ path }) => path, shrinkTo: 24 },
  { header: 'KIND', value: ({ kind }) => kind },
  { header: 'ID', value: ({ id }) => id },
  { header: 'TYPE', value: ({ type }) => type, dropOrder: 1 },
  { header: 'NAME', value: ({ name }) => name },
  { header: 'OWNER', value: ({ owner }) => owner, shrinkTo: 8 },
];

/** The table of `bpf pin list`. */
export const pinsView: TableView<PinnedObject> = {
  kind: 'BpfPin',
  empty: 'No pins found.',
  name: ({ path }) => path,
  columns: [...columns, { header: 'USED-BY', value: ({ use }) => use, shrinkTo: 12 }],
};

/** What `bpf pin delete` prints. */
export const unpinnedView: TableView<PinnedObject> = { ...pinsView, empty: 'No pins removed.', columns };

/** The table of `bpf gc`. */
export const garbageView: TableView<Garbage> = {
  kind: 'BpfGarbage',
  empty: 'Nothing found that is not needed.',
  name: ({ path }) => path,
  columns: [
    ...(columns as readonly Column<Garbage>[]),
    { header: 'WHY', value: ({ why }) => why },
    { header: 'DELETED', value: ({ deleted }) => (deleted ? 'yes' : 'no'), tone: ({ deleted }) => (deleted ? 'warn' : undefined) },
  ],
};
