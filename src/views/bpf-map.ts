/** How maps and their entries look. */

import type { CardView, Cell, LiveView, StreamView, TableView } from '../cli/view.ts';
import type { EntryChange, EntryDifference, EntryStream, Found, MapChange, MapDetail, MapEntry, MapEvent, MapLoad, MapSummary, Shown } from '../domain/maps/index.ts';

/** The table of `bpf map list`. */
export const mapsView: TableView<MapSummary> = {
  kind: 'BpfMap',
  empty: 'No maps found.',
  name: ({ id }) => `map/${id}`,
  columns: [
    { header: 'ID', value: ({ id }) => id },
    { header: 'TYPE', value: ({ type }) => type },
    { header: 'NAME', value: ({ name }) => name },
    { header: 'KEY', value: ({ keySize }) => keySize, align: 'right', dropOrder: 3 },
    { header: 'VALUE', value: ({ valueSize }) => valueSize, align: 'right', dropOrder: 3 },
    { header: 'MAX-ENTRIES', value: ({ maxEntries }) => maxEntries, format: 'count' },
    { header: 'MEMORY', value: ({ memoryBytes }) => memoryBytes, format: 'count', dropOrder: 2 },
    { header: 'FLAGS', value: ({ flags, frozen }) => [...flags, ...(frozen ? ['frozen'] : [])].join(','), dropOrder: 1, shrinkTo: 8 },
    { header: 'OWNER', value: ({ owner }) => owner, shrinkTo: 8 },
    { header: 'PROGRAMS', value: ({ programIds }) => programIds.join(','), wide: true },
    { header: 'PROCESSES', value: (map) => processes(map).join(','), wide: true },
    { header: 'PINS', value: ({ pins }) => pins.join(','), wide: true },
  ],
};

const processes = ({ processes: holders }: MapSummary): string[] => holders.map(({ pid, name }) => `${name}(${pid})`);

/** The card of `bpf map get`. */
export const mapCard: CardView<MapDetail> = {
  kind: 'BpfMapDetail',
  name: ({ id }) => `map/${id}`,
  lines: (map) => [
    ['ID', map.id],
    ['TYPE', map.type],
    ['NAME', map.name],
    ['KEY', map.keyType === undefined ? undefined : `${map.keySize} bytes  ${map.keyType}`],
    ['VALUE', `${map.valueSize} bytes  ${map.valueType ?? ''}`],
    ['ENTRIES', map.entries === undefined ? `room for ${map.maxEntries}` : `${map.entries} of ${map.maxEntries}`],
    ['MEMORY', `${map.memoryBytes} bytes`],
    ['FLAGS', map.flags.join(', ')],
    ['FROZEN', map.frozen ? 'yes: user space may not change it' : undefined],
    ['BTF', map.btfId === 0 ? undefined : map.btfId],
    ['OWNER', map.owner],
    ['USED BY', map.programIds.map((id) => `program ${id}`).join('\n')],
    ['HELD BY', map.processes.map(({ pid, name }) => `${name} (pid ${pid})`).join('\n')],
    ['PINNED AT', map.pins.join('\n')],
    ...Object.entries(map.refuses).map(([verb, reason]): [string, string] => [`NO ${verb.toUpperCase()}`, reason]),
  ],
};

/** The rows of `bpf map dump`. */
export const dumpView = ({ headers }: EntryStream): StreamView<MapEntry> => ({
  kind: 'BpfMapEntry', headers, empty: 'No entries found.', name: ({ key }) => `entry/${key?.display ?? ''}`,
});

function entryLines({ key, value, values = [] }: MapEntry): [string, Cell][] {
  return [
    ...shownLines('KEY', key),
    ...shownLines('VALUE', value),
    ...values.map(({ cpu, value: one }): [string, Cell] => [`CPU ${cpu}`, one.display]),
  ];
}

/** A key that stands for a kernel object has no bytes of its own. */
const shownLines = (label: string, shown: Shown | undefined): [string, Cell][] =>
  (shown === undefined ? [] : [[label, shown.display], ...(shown.hex === '' ? [] : [[`${label} HEX`, shown.hex] as [string, Cell]])]);

/** The card of `bpf map lookup`. */
export const foundCard: CardView<Found> = {
  kind: 'BpfMapLookup',
  name: ({ map }) => `map/${map.id}`,
  lines: ({ entry }) => entryLines(entry),
  footer: ({ contained }) => (contained === undefined ? [] : [contained ? 'YES  it may have been put in' : 'NO  it was never put in']),
  json: ({ map, entry, contained }) => ({ map, ...entry, ...(contained === undefined ? {} : { contained }) }),
};

const DONE: Readonly<Record<EntryChange['action'], string>> = { set: 'set', delete: 'deleted', push: 'put in', pop: 'taken out' };

/** What `bpf map set` and `bpf map delete` say. */
export const entryChangeCard: CardView<EntryChange> = {
  kind: 'BpfMapEntryChange',
  name: ({ map }) => `map/${map.id}`,
  lines: ({ entry, previous }) => [...entryLines(entry), ...(previous?.value === undefined ? [] : [['BEFORE', previous.value.display] as const])],
  footer: ({ map, action, dryRun }) => [`${dryRun ? 'Would be' : 'Was'} ${DONE[action]}: map ${map.name === '' ? map.id : map.name}`],
  json: ({ map, action, dryRun, entry, previous }) => ({ map, action, dryRun, ...entry, ...(previous === undefined ? {} : { previous }) }),
};

/** What `bpf map set -f` says. */
export const loadCard: CardView<MapLoad> = {
  kind: 'BpfMapLoad',
  name: ({ map }) => `map/${map.id}`,
  lines: ({ map, source, entries, checkedFirst, dryRun }) => [
    [dryRun ? 'WOULD SET' : 'SET', `${entries} entries of map ${map.name === '' ? map.id : map.name}`],
    ['FROM', source],
    ['NOTE', checkedFirst ? undefined : 'larger than what is kept in memory: entries were set before the last was read'],
  ],
};

/** What `bpf map create`, `pin` and `freeze` say. */
export const mapChangeCard: CardView<MapChange> = {
  kind: 'BpfMapChange',
  name: ({ id }) => `map/${id}`,
  lines: ({ action, id, name, type, keySize, valueSize, maxEntries, flags, pin, dryRun }) => [
    [{ create: dryRun ? 'WOULD CREATE' : 'CREATED', pin: dryRun ? 'WOULD PIN' : 'PINNED', freeze: dryRun ? 'WOULD FREEZE' : 'FROZEN' }[action], name === '' ? `id ${id}` : name],
    ['ID', id === 0 ? undefined : id],
    ['TYPE', type],
    ['SIZE', `key ${keySize}, value ${valueSize} bytes, ${maxEntries} entries`],
    ['FLAGS', flags.join(', ')],
    ['PIN', pin],
  ],
};

const TONES = { new: 'good', changed: 'warn', deleted: 'bad' } as const;

/** The rows of `bpf map watch`. */
export const differencesView: TableView<EntryDifference> = {
  kind: 'BpfMapDifference',
  empty: 'Watching; rows come as entries change.',
  name: ({ key }) => `entry/${key.display}`,
  columns: [
    { header: 'CHANGE', value: ({ change }) => change, tone: ({ change }) => TONES[change] },
    { header: 'KEY', value: ({ key }) => key.display, shrinkTo: 16 },
    { header: 'VALUE', value: ({ value }) => value.display, shrinkTo: 16 },
    { header: 'PER-SECOND', value: ({ rates }) => Object.entries(rates).map(([path, rate]) => `${path}${rate < 0 ? '' : '+'}${rate}`).join(' ') },
    { header: 'BEFORE', value: ({ previous }) => previous?.display, wide: true },
  ],
};

/** The lines of `bpf map events`. */
export const eventsView: LiveView<MapEvent> = {
  kind: 'BpfMapEvent',
  header: (wide) => `TIME          CPU  ${wide ? 'HEX  ' : ''}EVENT`,
  lines: ({ time, cpu, event, lost }, wide) => {
    const place = `${time.toISOString().slice(11, 23)}  ${String(cpu ?? '-').padEnd(3)}  `;
    if (event === undefined) return [`${place}lost ${lost ?? 0} events: the ring was full`];
    return [`${place}${wide ? `${event.hex}  ` : ''}${event.display}`];
  },
  json: ({ time, ...rest }) => ({ time: time.toISOString(), ...rest }),
};
