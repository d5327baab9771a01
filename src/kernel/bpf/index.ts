/** bpf(2): maps, programs, links, pins, and objects that are loaded as a whole. */

export { type BtfObject, type BtfSummary, btfSummary, parseBtf, readBtfObject } from './btf-object.ts';
export { fdinfoNumber, memoryBytes } from './info.ts';
export { readBuiltin } from './builtin.ts';
export { type CodeNames, formatInstruction, type Instruction, KernelSymbols, readInstructions } from './disassembly/index.ts';
export { type ProgramCode, readProgramCode } from './program-code.ts';
export { possibleCpus } from './cpus.ts';
export { probeBtf, probeNetfilterLink } from './features.ts';
export { attempt, type Feature } from './probe/attempt.ts';
export { probeMap } from './probe/map.ts';
export { helperNames, loadSmallest, probeHelper, probeKfunc, probeProgram } from './probe/program.ts';
export { descriptorKind, type ObjectKind, objectIds, objectKind, openById } from './ids.ts';
export {
  type Attachable, attachCgroup, attachIterator, attachKprobeMulti, attachNetfilter, attachNetkit, attachNetns, attachPerfEvent, attachRawTracepoint,
  attachSockmap, attachStructOps, attachTcx, attachTracing, attachUprobeMulti, attachXdp, detachLink, detachProgram, type IteratorTarget, type LinkInfo,
  linkInfo, type LinkPlace, type NetfilterHook, type Place, type ProgramRow, queryPrograms, readIterator, type XdpMode,
} from './link/index.ts';
export { type Chunk, type UpdateOutcome } from './map-batch.ts';
export { BpfMap, indexKey, type MapCreation, type MapInfo, mapInfo, type MapSpec } from './map.ts';
export { kernelConfig } from './object/kernel-config.ts';
export { attachTypeName, attachTypeNumber, linkTypeName, MAP_FLAGS, mapTypeName, mapTypeNames, mapTypeNumber, programTypeName, programTypeNames, programTypeNumber } from './names.ts';
export { type CheckedMap, type CheckedObject, type CheckedProgram, checkObject } from './object/check.ts';
export { type ProgramType } from './object/program-type.ts';
export { type LoadedObject, loadObject, type LoadOptions, type ObjectProgram } from './object.ts';
export { openPacketTap, type PacketTap } from './packet-tap.ts';
export { type PerfProgram, perfProgram } from './perf-program.ts';
export { bpffsPath, ensureBpffs, isBpffs, openPin, pin } from './pin.ts';
export { BpfProgram, programFunction, type ProgramInfo, programInfo, type ProgramSpec, type TestRun, type TestRunResult } from './program.ts';
export { PerfReader } from './perf-buffer.ts';
export { RingReader } from './ringbuf.ts';
export { loadSizedTypes } from './sized-btf.ts';
export { enableStatistics, isSwitchOn, switchStatisticsOn } from './statistics.ts';
