import { SyscallError } from '../../lib/errors.ts';
import type { Btf } from '../btf/index.ts';
import { address, Fd } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';
import { cString, memoryBytes, objectInfo } from './info.ts';
import { explainLog, type LineOf } from './verifier/log.ts';

export interface ProgramSpec {
  name: string;
  type: number;
  /** 0 where the type has none. */
  expectedAttachType: number;
  instructions: Buffer;
  license: string;
  /** BPF_F_* of BPF_PROG_LOAD */
  flags?: number;
  /** What it is attached to, where the verifier must know: a type id, in the kernel's BTF, a module's, or a program's. */
  attach?: { typeId: number; in?: Fd };
  /** BTF of modules whose functions it calls; the first place stays free, which stands for the kernel itself. */
  modules?: readonly Fd[];
  /** Program BTF with function and line information; without it global functions cannot be loaded. */
  btf?: { fd: Fd; functionInfo: Buffer; lineInfo: Buffer };
  /** Line of C of an instruction, for the error where the verifier refuses it. */
  lineOf?: LineOf;
}

/** What the kernel says about a program (`struct bpf_prog_info`). */
export interface ProgramInfo {
  type: number;
  id: number;
  /** Hex digest of the instructions, the same for the same code. */
  tag: string;
  /** Cut at 15 characters; `programFunction` has the whole. */
  name: string;
  jitedBytes: number;
  translatedBytes: number;
  /** When it was loaded, in nanoseconds since the machine started (CLOCK_BOOTTIME). */
  loadedAtNs: bigint;
  /** Who loaded it. */
  uid: number;
  gplCompatible: boolean;
  /** Maps that it refers to. */
  mapIds: number[];
  /** BTF object with its types, functions and lines; 0 without one. */
  btfId: number;
  /** What it was loaded for, in the BTF object of that id (0 for none): a kernel function, or one of another program. */
  attachTo: { btfId: number; typeId: number };
  /** The interface whose hardware runs it; 0 for none. */
  offloadIfindex: number;
  /** Nanoseconds and runs since statistics were switched on; 0 while they are off. */
  runTimeNs: bigint;
  runs: bigint;
  /** Runs that were left out because the program was at work on the same CPU. */
  recursionMisses: bigint;
  /** What the verifier looked at, branches counted each time. 0 before Linux 5.16. */
  verifiedInstructions: number;
}

export interface TestRun {
  /** The packet from its Ethernet header on; absent for types that take none. */
  data?: Buffer;
  /** The context structure of the program's type, as user space may set it. A `syscall` program writes into it. */
  context?: Buffer;
  /** Room for the context as the program left it. @default none: it is not copied */
  contextOutputBytes?: number;
  /** 0 for the types that cannot be run several times. */
  repeat?: number;
  /** BPF_F_TEST_* */
  flags?: number;
  batchSize?: number;
  /** Room for the packet as the program left it. @default none: it is not copied */
  outputBytes?: number;
}

export interface TestRunResult {
  /** What the program returned the last time. */
  result: number;
  /** Mean of all repeats. */
  durationNs: number;
  /** The packet afterwards; empty without `outputBytes`. */
  output: Buffer;
  /** The context afterwards; empty without `contextOutputBytes`. */
  context: Buffer;
}

/** A program in the kernel, by a descriptor that this object owns. */
export class BpfProgram {
  readonly fd: Fd;
  readonly name: string;

  constructor(fd: Fd, name: string) {
    this.fd = fd;
    this.name = name;
  }

  /**
   * Verifies and loads a program, without a log at first: a log that is too small fails even a good program.
   *
   * @throws VerifierError with the whole log when the verifier refuses; SyscallError EPERM without CAP_BPF.
   * @kernel bpf_prog_load
   */
  static load(spec: ProgramSpec): BpfProgram {
    try {
      return loadOnce(spec);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.errnoName === 'EPERM') throw error;
      return loadLogged(spec);
    }
  }

  /** Takes over a descriptor that came from a pin or an id. */
  static adopt(fd: Fd): BpfProgram {
    return new BpfProgram(fd, programInfo(fd).name);
  }

  /**
   * Runs it on crafted data.
   *
   * @throws SyscallError ENOTSUPP for types that cannot; ENOSPC when the output is larger than `outputBytes`; EINTR when a
   *   signal came. @kernel bpf_prog_test_run
   */
  testRun({ data = Buffer.alloc(0), context, contextOutputBytes = 0, repeat = 1, flags = 0, batchSize = 0, outputBytes = 0 }: TestRun): TestRunResult {
    const output = Buffer.alloc(outputBytes);
    const contextOutput = Buffer.alloc(contextOutputBytes);
    const attr = new Attr().u32(0, this.fd.number).u32(8, data.length).pointer(16, data).u32(32, repeat).u32(64, flags).u32(72, batchSize);
    if (context !== undefined) attr.u32(40, context.length).pointer(48, context);
    if (outputBytes > 0) attr.u32(12, outputBytes).pointer(24, output);
    if (contextOutputBytes > 0) attr.u32(44, contextOutputBytes).pointer(56, contextOutput);
    attr.call(uapi.BPF_PROG_TEST_RUN, `BPF_PROG_TEST_RUN ${this.name}`);
    const length = (field: number, bytes: number): number => (bytes > 0 ? attr.bytes.readUInt32LE(field) : 0);
    return {
      result: attr.bytes.readUInt32LE(4), durationNs: attr.bytes.readUInt32LE(36),
      output: output.subarray(0, length(12, outputBytes)), context: contextOutput.subarray(0, length(44, contextOutputBytes)),
    };
  }

  info(): ProgramInfo {
    return programInfo(this.fd);
  }

  /** Bytes of kernel memory, without the maps. */
  memoryBytes(): number {
    return memoryBytes(this.fd);
  }

  close(): void {
    this.fd.close();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}

/** What the kernel says about the program behind a descriptor. */
export function programInfo(fd: Fd): ProgramInfo {
  let { info, ids } = requestInfo(fd, USUAL_MAPS);
  const mapCount = info.readUInt32LE(52);
  if (mapCount > USUAL_MAPS) ({ info, ids } = requestInfo(fd, mapCount));
  return {
    type: info.readUInt32LE(0),
    id: info.readUInt32LE(4),
    tag: info.toString('hex', 8, 8 + uapi.BPF_TAG_SIZE),
    jitedBytes: info.readUInt32LE(16),
    translatedBytes: info.readUInt32LE(20),
    loadedAtNs: info.readBigUInt64LE(40),
    uid: info.readUInt32LE(48),
    mapIds: Array.from({ length: mapCount }, (_, i) => ids.readUInt32LE(i * 4)),
    name: cString(info.subarray(64, 80)),
    offloadIfindex: info.readUInt32LE(80),
    gplCompatible: (info.readUInt32LE(84) & 1) === 1,
    btfId: info.readUInt32LE(128),
    runTimeNs: info.readBigUInt64LE(192),
    runs: info.readBigUInt64LE(200),
    recursionMisses: info.readBigUInt64LE(208),
    verifiedInstructions: info.readUInt32LE(216),
    attachTo: { btfId: info.readUInt32LE(220), typeId: info.readUInt32LE(224) },
  };
}

/** Room for map ids that is nearly always enough, so that one call does. */
const USUAL_MAPS = 64;

function requestInfo(fd: Fd, maps: number): { info: Buffer; ids: Buffer } {
  const ids = Buffer.alloc(maps * 4);
  const info = objectInfo(fd, INFO_BYTES, (request) => {
    request.writeUInt32LE(maps, 52);
    request.writeBigUInt64LE(address(ids), 56);
  });
  return { info, ids };
}

/**
 * The whole name of a program's main function, from the type information that it was loaded with; undefined without any.
 *
 * `types` finds a BTF object by its id.
 */
export function programFunction(fd: Fd, types: (btfId: number) => Btf | undefined): string | undefined {
  const record = Buffer.alloc(FUNC_INFO_BYTES);
  const info = objectInfo(fd, INFO_BYTES, (request) => {
    request.writeUInt32LE(FUNC_INFO_BYTES, 132);
    request.writeBigUInt64LE(address(record), 136);
    request.writeUInt32LE(1, 144);
  });
  const [btfId, functions] = [info.readUInt32LE(128), info.readUInt32LE(144)];
  const btf = btfId === 0 || functions === 0 ? undefined : types(btfId);
  return btf?.type(record.readUInt32LE(4)).name || undefined;
}

/** sizeof(struct bpf_prog_info) since Linux 6.0 */
const INFO_BYTES = 232;
const FUNC_INFO_BYTES = 8;
const LINE_INFO_BYTES = 16;

function loadOnce(spec: ProgramSpec, log?: { bytes: Buffer; level: number }): BpfProgram {
  const attr = new Attr()
    .u32(0, spec.type)
    .u32(4, spec.instructions.length / 8)
    .pointer(8, spec.instructions)
    .string(16, spec.license)
    .u32(44, spec.flags ?? 0)
    .name(48, spec.name)
    .u32(68, spec.expectedAttachType)
    .u32(108, spec.attach?.typeId ?? 0)
    .u32(112, spec.attach?.in?.number ?? 0);
  if (spec.modules !== undefined) attr.pointer(120, Buffer.from(Int32Array.of(0, ...spec.modules.map(({ number }) => number)).buffer));
  if (log !== undefined) attr.u32(24, log.level).u32(28, log.bytes.length).pointer(32, log.bytes);
  if (spec.btf !== undefined) {
    const { fd, functionInfo, lineInfo } = spec.btf;
    attr.u32(72, fd.number).u32(76, FUNC_INFO_BYTES).pointer(80, functionInfo).u32(88, functionInfo.length / FUNC_INFO_BYTES);
    attr.u32(92, LINE_INFO_BYTES).pointer(96, lineInfo).u32(104, lineInfo.length / LINE_INFO_BYTES);
  }
  return new BpfProgram(new Fd(attr.call(uapi.BPF_PROG_LOAD, `BPF_PROG_LOAD ${spec.name}`)), spec.name);
}

/** Room for the log, and for one without the steps that lead to the end. */
const LOG_BYTES = 16 << 20;
const SHORT_LOG_BYTES = 1 << 16;
/** BPF_LOG_LEVEL1; BPF_LOG_STATS alone gives the reason without the steps. */
const LOG_ALL = 1;
const LOG_REASON = 4;

/** Loads again with a log. Succeeds where a signal had interrupted the first time. */
function loadLogged(spec: ProgramSpec): BpfProgram {
  const log = Buffer.alloc(LOG_BYTES);
  try {
    return loadOnce(spec, { bytes: log, level: LOG_ALL });
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    if (error.errnoName === 'ENOSPC') return loadWithReason(spec, cString(log));
    throw cString(log) === '' ? error : explainLog(spec.name, error.errnoName, cString(log), spec.lineOf);
  }
}

/** The log did not fit: as far as it went (its end since Linux 6.4, before that its beginning), and then the reason alone. */
function loadWithReason(spec: ProgramSpec, steps: string): BpfProgram {
  const log = Buffer.alloc(SHORT_LOG_BYTES);
  try {
    return loadOnce(spec, { bytes: log, level: LOG_REASON });
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw explainLog(spec.name, error.errnoName, `${steps}\n${cString(log)}`, spec.lineOf);
  }
}
