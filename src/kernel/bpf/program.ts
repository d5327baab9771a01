import { SyscallError, VerifierError } from '../../lib/errors.ts';
import { Fd } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';
import { objectInfo } from './info.ts';

export interface ProgramSpec {
  name: string;
  type: number;
  /** 0 where the type has none. */
  expectedAttachType: number;
  instructions: Buffer;
  license: string;
  /** Program BTF with function and line information; without it global functions cannot be loaded. */
  btf?: { fd: Fd; functionInfo: Buffer; lineInfo: Buffer };
}

/** What the kernel says about a program (`struct bpf_prog_info`). */
export interface ProgramInfo {
  type: number;
  id: number;
  /** Hex digest of the instructions, the same for the same code. */
  tag: string;
  name: string;
  jitedBytes: number;
  translatedBytes: number;
  /** Nanoseconds and runs since statistics were switched on; 0 while they are off. */
  runTimeNs: bigint;
  runs: bigint;
  verifiedInstructions: number;
}

export interface TestRun {
  data: Buffer;
  context?: Buffer;
  repeat?: number;
  flags?: number;
  batchSize?: number;
}

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
      throw explainRefusal(spec, error);
    }
  }

  /** Runs it on crafted data; `durationNs` is the mean of all repeats. @kernel bpf_prog_test_run */
  testRun({ data, context, repeat = 1, flags = 0, batchSize = 0 }: TestRun): { result: number; durationNs: number } {
    const attr = new Attr().u32(0, this.fd.number).u32(8, data.length).pointer(16, data).u32(32, repeat).u32(64, flags).u32(72, batchSize);
    if (context !== undefined) attr.u32(40, context.length).pointer(48, context);
    attr.call(uapi.BPF_PROG_TEST_RUN, `BPF_PROG_TEST_RUN ${this.name}`);
    return { result: attr.bytes.readUInt32LE(4), durationNs: attr.bytes.readUInt32LE(36) };
  }

  info(): ProgramInfo {
    return programInfo(this.fd);
  }

  close(): void {
    this.fd.close();
  }
}

export function programInfo(fd: Fd): ProgramInfo {
  const info = objectInfo(fd, 232);
  return {
    type: info.readUInt32LE(0),
    id: info.readUInt32LE(4),
    tag: info.toString('hex', 8, 16),
    jitedBytes: info.readUInt32LE(16),
    translatedBytes: info.readUInt32LE(20),
    name: info.toString('latin1', 64, 80).replace(/\0.*$/s, ''),
    runTimeNs: info.readBigUInt64LE(192),
    runs: info.readBigUInt64LE(200),
    verifiedInstructions: info.readUInt32LE(216),
  };
}

function loadOnce(spec: ProgramSpec, log?: Buffer): BpfProgram {
  const attr = new Attr()
    .u32(0, spec.type)
    .u32(4, spec.instructions.length / 8)
    .pointer(8, spec.instructions)
    .string(16, spec.license)
    .name(48, spec.name)
    .u32(68, spec.expectedAttachType);
  if (log !== undefined) attr.u32(24, 1).u32(28, log.length).pointer(32, log);
  if (spec.btf !== undefined) {
    const { fd, functionInfo, lineInfo } = spec.btf;
    attr.u32(72, fd.number).u32(76, 8).pointer(80, functionInfo).u32(88, functionInfo.length / 8);
    attr.u32(92, 16).pointer(96, lineInfo).u32(104, lineInfo.length / 16);
  }
  return new BpfProgram(new Fd(attr.call(uapi.BPF_PROG_LOAD, `BPF_PROG_LOAD ${spec.name}`)), spec.name);
}

/** Loads again with a log, growing it until it holds everything. */
function explainRefusal(spec: ProgramSpec, first: SyscallError): Error {
  for (let size = 1 << 18; size <= 1 << 26; size *= 8) {
    const log = Buffer.alloc(size);
    try {
      loadOnce(spec, log).close();
      return first;
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.errnoName === 'ENOSPC') continue;
      const text = log.toString('utf8', 0, Math.max(0, log.indexOf(0)));
      return text === '' ? error : new VerifierError(spec.name, error.errnoName, text);
    }
  }
  return first;
}
