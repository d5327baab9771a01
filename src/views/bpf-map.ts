/** How maps and their entries look. */

import type { StreamView } from '../cli/view.ts';
import type { EntryStream, MapEntry } from '../domain/maps/index.ts';

/** The rows of `bpf map dump`. */
export const dumpView = ({ headers }: EntryStream): StreamView<MapEntry> => ({
  kind: 'BpfMapEntry', headers, empty: 'No entries found.', name: ({ key }) => `entry/${key?.display ?? ''}`,
});
