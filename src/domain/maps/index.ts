/** BPF maps: what is in them, in the words of their types, and changes to them. */

export { dumpMap, type DumpRequest, type EntryStream } from './dump/inspect.ts';
export type { MapDetail, MapEntry, MapSummary, Shown } from './model.ts';
