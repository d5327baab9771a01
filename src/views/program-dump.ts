/** The code of a program for machines; people get a listing. */

import type { CardView } from '../cli/view.ts';
import type { ProgramDump } from '../domain/programs/index.ts';

export const programDumpCard: CardView<ProgramDump> = {
  kind: 'BpfProgramDump',
  name: ({ id }) => `program/${id}`,
  lines: ({ id, name, tag }) => [['ID', id], ['NAME', name], ['TAG', tag]],
};
