/** BPF programs: loading them, what is loaded, how often it runs, and what it makes of a packet. */

export { getProgram, listPrograms, programReader, type ProgramListing } from './list/inspect.ts';
export { type AttachTarget, type Program, type ProgramDetail, type ProgramFilter, type Rate, type UsedMap } from './list/program.ts';
export { loadPrograms, type Loaded } from './load/apply.ts';
export type { Addition, LoadReport, LoadRequest, MapReport, ProgramReport } from './load/model.ts';
export { measurePrograms, type ProgramStatistics } from './statistics/inspect.ts';
