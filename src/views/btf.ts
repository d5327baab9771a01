/** How type information looks. */

import type { CardView, TableView } from '../cli/view.ts';
import type { BtfDump, BtfListing } from '../domain/btf/index.ts';

/** The table of `bpf btf list`. */
export const btfView: TableView<BtfListing> = {
  kind: 'BpfBtf',
  empty: 'No BTF found.',
  name: ({ id }) => `btf/${id}`,
  columns: [
    { header: 'ID', value: ({ id }) => id },
    { header: 'NAME', value: ({ name }) => name },
    { header: 'OF', value: ({ isKernel, name }) => (isKernel ? (name === 'vmlinux' ? 'kernel' : 'module') : 'user') },
    { header: 'SIZE', value: ({ size }) => size, format: 'count' },
    { header: 'PROGS', value: ({ programs }) => programs.join(','), shrinkTo: 8 },
    { header: 'MAPS', value: ({ maps }) => maps.join(','), shrinkTo: 8 },
  ],
};

/** `bpf btf dump` for machines; people get text. */
export const btfDumpCard: CardView<BtfDump> = {
  kind: 'BpfBtfDump',
  name: ({ source }) => `btf/${source}`,
  lines: ({ source }) => [['SOURCE', source]],
  json: ({ source, types }) => ({ source, types: types() }),
};
