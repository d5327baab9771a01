/** bpf(2): maps, programs, links, pins, and objects that are loaded as a whole. */

export { attachNetfilter, linkInfo, type NetfilterHook } from './link.ts';
export { BpfMap, indexKey, type MapInfo, type MapSpec } from './map.ts';
export { type LoadedObject, loadObject, type LoadOptions } from './object.ts';
export { readBuiltin } from './builtin.ts';
export { ensureBpffs, openPin, pin } from './pin.ts';
export { BpfProgram, type ProgramInfo, programInfo, type ProgramSpec, type TestRun } from './program.ts';
