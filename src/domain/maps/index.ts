/** BPF maps: what is in them, in the words of their types, and changes to them. */

export { createMap, freezeMap, type MapChange, pinMap } from './create/apply.ts';
export type { MapRequest } from './create/plan.ts';
export { dumpMap, type DumpRequest, type EntryStream } from './dump/inspect.ts';
export { deleteEntry, type EntryChange, setEntry, type SetRequest } from './entry/apply.ts';
export { type Found, lookupEntry } from './entry/inspect.ts';
export { getMap, listMaps, type MapFilter, type MapListing } from './list/inspect.ts';
export { loadEntries, type MapLoad } from './load/apply.ts';
export type { MapDetail, MapEntry, MapSummary, Shown } from './model.ts';
export { type EventRequest, type EventTotals, followEvents, type MapEvent } from './events/inspect.ts';
export { knownTypes } from './types.ts';
export type { EntryDifference } from './watch/diff.ts';
export { type MapWatch, watchMap } from './watch/inspect.ts';
