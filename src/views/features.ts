/** How features of the kernel look. */

import type { TableView } from '../cli/view.ts';
import type { KernelFeature } from '../domain/programs/index.ts';

/** The table of `bpf features`. */
export const featuresView: TableView<KernelFeature> = {
  kind: 'BpfFeature',
  empty: 'Nothing was looked for.',
  name: ({ kind, name }) => `${kind}/${name}`,
  columns: [
    { header: 'KIND', value: ({ kind }) => kind },
    { header: 'FEATURE', value: ({ name }) => name },
    { header: 'HERE', value: ({ available }) => (available ? 'yes' : 'no'), tone: ({ available }) => (available ? 'good' : 'bad') },
    { header: 'SINCE', value: ({ since }) => since },
    { header: 'WHY-NOT', value: ({ reason }) => reason, shrinkTo: 20 },
  ],
};
