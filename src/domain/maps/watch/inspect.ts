import { UsageError } from '../../../lib/errors.ts';
import type { Reference } from '../../bpf/index.ts';
import { compileFilters } from '../dump/filter.ts';
import { openMap, type OpenMap } from '../open/inspect.ts';
import { checkVerb } from '../refuse.ts';
import { diffSnapshots, sumCpus, type EntryDifference, type Snapshot } from './diff.ts';

/** Most entries that are compared with those of a second ago. */
const MOST_WATCHED = 2_000_000;

/** Changes since the last reading; the first has none. */
export interface MapWatch {
  read(): { items: readonly EntryDifference[]; complete: boolean; warnings: readonly string[] };
  close(): void;
}

/** Opens a map to be read again and again. @throws OperationError SL2601; UsageError SL2602 to SL2604 */
export function watchMap(reference: Reference, { as, filters = [] }: { as?: string | undefined; filters?: readonly string[] } = {}): MapWatch {
  const open = openMap(reference, as);
  try {
    checkVerb(`map ${open.name}`, open.type, 'watch');
    const filter = compileFilters(filters, open.layout);
    let before: Snapshot | undefined;
    let readAt = 0;
    return {
      read: () => {
        const now = performance.now();
        const after = readSnapshot(open, filter);
        const items = before === undefined ? [] : diffSnapshots(open.layout, before, after, (now - readAt) / 1000);
        [before, readAt] = [after, now];
        return { items, complete: true, warnings: [] };
      },
      close: () => open.map.close(),
    };
  } catch (error) {
    open.map.close();
    throw error;
  }
}

function readSnapshot(open: OpenMap, filter: ReturnType<typeof compileFilters>): Snapshot {
  const { map, info, layout, name } = open;
  const snapshot = new Map<string, string>();
  for (const { keys, values, count } of map.chunks(16_384)) {
    for (let i = 0; i < count; i++) {
      const [keyAt, valueAt] = [i * info.keySize, i * map.valueBytes];
      if (filter !== undefined && !filter({ keys, keyAt, values, valueAt })) continue;
      const value = values.subarray(valueAt, valueAt + map.valueBytes);
      snapshot.set(keys.toString('latin1', keyAt, keyAt + info.keySize), (layout.perCpu === undefined ? value : sumCpus(layout, value)).toString('latin1'));
    }
    if (snapshot.size > MOST_WATCHED) throw new UsageError(`map ${name} has more than ${MOST_WATCHED} entries to watch`, { code: 'SL2617', hints: ['narrow it down with --filter'] });
  }
  return snapshot;
}
