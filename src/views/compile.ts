/** How a compiled object looks. */

import type { CardView, Column } from '../cli/view.ts';
import type { Compilation } from '../domain/compile/index.ts';

const programColumns: Column<Compilation['programs'][number]>[] = [
  { header: 'PROGRAM', value: ({ name }) => name },
  { header: 'SECTION', value: ({ section }) => section },
];

/** What `bpf compile` made. */
export const compilationCard: CardView<Compilation> = {
  kind: 'BpfCompilation',
  name: ({ object }) => `object/${object}`,
  lines: ({ object, source, compiler, maps }) => [
    ['OBJECT', object], ['SOURCE', source], ['COMPILER', compiler], ['MAPS', maps.join(', ')],
  ],
  sections: ({ programs }) => (programs.length === 0 ? [] : [{ columns: programColumns, rows: programs }]),
};
