/** BPF programs: loading them, what is loaded, how often it runs, and what it makes of a packet. */

export { attachLoaded, attachProgram, type Attached, type AttachRequest } from './attach/apply.ts';
export { judgesPackets, type PlaceFlags, readPlacing } from './attach/flags.ts';
export { type AskFirst, detachOneLink, detachProgram, type Detached, unloadProgram } from './detach/apply.ts';
export type { Detachment } from './detach/plan.ts';
export { collectGarbage, type GarbageListing } from './gc/apply.ts';
export type { Garbage } from './gc/garbage.ts';
export { readPipeline, type PipelineListing } from './net/inspect.ts';
export type { Step } from './net/pipeline.ts';
export { deletePins, type Unpinned } from './pins/apply.ts';
export { listPinned, type PinListing } from './pins/inspect.ts';
export type { PinnedObject } from './pins/pinned.ts';
export { getLink, type LinkListing, listLinks, readLink } from './links/inspect.ts';
export type { Link } from './links/link.ts';
export { type CodeFunction, type CodeInstruction, type DumpForm, listCode, type ProgramDump, type SourceLine } from './dump/code.ts';
export { dumpProgram } from './dump/inspect.ts';
export { hookFeature, probeFeatures } from './features/apply.ts';
export type { FeatureKind, KernelFeature } from './features/feature.ts';
export { getProgram, programReader, type ProgramListing } from './list/inspect.ts';
export { type AttachTarget, type Program, type ProgramDetail, type ProgramFilter, type Rate, type UsedMap } from './list/program.ts';
export { loadPrograms, type Loaded } from './load/apply.ts';
export type { Addition, AttachedHook, LoadReport, LoadRequest, MapReport, ProgramReport } from './load/model.ts';
export { measurePrograms, type ProgramStatistics } from './statistics/inspect.ts';
export { type ProgramRun, type RunPacket, runProgram, type RunRequest } from './run/apply.ts';
export { type BytesChange, type FieldChange, type PacketDifference } from './run/difference.ts';
