import { readFileSync } from 'node:fs';
import { type BpfProgram, programTypeName, type TestRun, type TestRunResult } from '../../../kernel/bpf/index.ts';
import { inNetns } from '../../../kernel/netns/index.ts';
import { OperationError, SyscallError, UnsupportedError, UsageError } from '../../../lib/errors.ts';
import { decodePacket, summarizePacket } from '../../../lib/packet/decode.ts';
import { parsePacketWords } from '../../../lib/packet/words.ts';
import { readCapture } from '../../../lib/pcap.ts';
import { findProgram, type Reference } from '../../bpf/index.ts';
import { readFields } from './context.ts';
import { compareFields, comparePackets, type FieldChange, type PacketDifference } from './difference.ts';
import { readFlowKeys } from './flow-keys.ts';
import { makeInput, type Given } from './input.ts';
import { chosenSocket } from './lookup.ts';
import { type RunnableType, runnableType, runnableTypes, verdictName } from './program-type.ts';

/** What to run a program on. */
export interface RunRequest {
  reference: Reference;
  /** A packet in words, in hexadecimal, or of a capture file, where `number` counts from 1: at most one of these. */
  packet?: string | undefined;
  dataHex?: string | undefined;
  pcap?: { path: string; number: number } | undefined;
  repeat: number;
  /** `NAME=VALUE`, or numbers for the arguments of a raw tracepoint. */
  context: readonly string[];
  /** The memory that a `syscall` program works on. */
  contextHex?: string | undefined;
  netns?: { path: string } | undefined;
}

/** A packet as bytes and in words. */
export interface RunPacket {
  length: number;
  hex: string;
  summary: string;
}

/** What a program made of its input. */
export interface ProgramRun {
  program: { id: number; type: string; name: string };
  result: number;
  /** The result by the name that its type has for it. */
  verdict: string;
  repeat: number;
  /** Mean of the runs; absent for types whose runs the kernel does not time. */
  durationNs?: number;
  input?: RunPacket;
  output?: RunPacket & PacketDifference;
  /** Fields of the context that the program changed. */
  context: FieldChange[];
  /** Of a flow dissector. */
  flowKeys?: Record<string, string>;
  /** Of a `syscall` program, in hexadecimal. */
  memory?: string;
  /** Cookie of the socket that a lookup chose. */
  socketCookie?: bigint;
}

const ETHERNET_BYTES = 14;
const MOST_OUTPUT = 1 << 20;

/**
 * Runs a program on one packet, or on what else its type takes. With `repeat` the verdict and the packet are those of the first
 * run, and the time is the mean of the others.
 *
 * @throws UnsupportedError SL2563 for a type that the kernel does not run; UsageError SL2560 and SL2561 for input that cannot be
 *   understood or does not fit the type; OperationError SL2564 when the kernel refuses it.
 */
export function runProgram(request: RunRequest): ProgramRun {
  using program = findProgram(request.reference);
  const { id, name, type: number } = program.info();
  const type = programTypeName(number);
  const runnable = runnableType(type);
  if (runnable === undefined) throw notRunnable(type);
  if (!runnable.repeats && request.repeat > 1) throw new UsageError(`${type} programs run once at a time: leave --repeat out`, { code: 'SL2561' });
  const input = makeInput(readGiven(request), type, runnable);
  const run = (changes: TestRun): TestRunResult => inNetns(request.netns?.path, () => runOnce(program, type, { ...input, ...changes }));
  const first = run({ repeat: runnable.repeats ? 1 : 0 });
  const durationNs = request.repeat > 1 ? run({ repeat: request.repeat - 1, outputBytes: 0, contextOutputBytes: 0 }).durationNs : first.durationNs;
  return {
    // Only classifiers have negative results.
    program: { id, type, name }, result: type.startsWith('sched_') ? first.result | 0 : first.result, verdict: verdictName(type, runnable, first.result),
    repeat: request.repeat, ...(runnable.repeats ? { durationNs } : {}), ...describeResult(runnable, input, first),
  };
}

function readGiven({ packet, dataHex, pcap, context, contextHex }: RunRequest): Given {
  return {
    context,
    frame: packet === undefined ? undefined : parsePacketWords(packet),
    data: dataHex === undefined ? (pcap === undefined ? undefined : readPacketOf(pcap)) : parseHex('--data-hex', dataHex),
    memory: contextHex === undefined ? undefined : parseHex('--ctx-hex', contextHex),
  };
}

function readPacketOf({ path, number }: { path: string; number: number }): Buffer {
  let count = 0;
  for (const { bytes } of readCapture(readFile(path), path)) if (++count === number) return bytes;
  throw new UsageError(`${path} has no packet ${number}`, { code: 'SL2562', causes: [`it has ${count}`] });
}

function readFile(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new UsageError(`cannot read ${path}`, { code: 'SL1102', causes: [(error as Error).message], cause: error });
  }
}

/** Blanks, colons and `0x` in front are allowed. */
function parseHex(flag: string, text: string): Buffer {
  const hex = text.replaceAll(/[\s:]/g, '').replace(/^0x/i, '');
  if (!/^([0-9a-f]{2})+$/i.test(hex)) throw new UsageError(`${flag}: write pairs of hexadecimal digits`, { code: 'SL2561' });
  return Buffer.from(hex, 'hex');
}

/** The kernel says ENOSPC where the packet outgrew the room for it. */
function runOnce(program: BpfProgram, type: string, input: TestRun): TestRunResult {
  for (let outputBytes = input.outputBytes ?? 0; ; outputBytes *= 2) {
    try {
      return program.testRun({ ...input, outputBytes });
    } catch (error) {
      if (!(error instanceof SyscallError)) throw error;
      if (error.errnoName === 'ENOSPC' && outputBytes > 0 && outputBytes < MOST_OUTPUT) continue;
      throw refusal(type, error);
    }
  }
}

function refusal(type: string, error: SyscallError): Error {
  // EFAULT is what the kernel says of a tracing program that is neither fentry, fexit nor fmod_ret.
  if (error.errnoName === 'ENOTSUPP' || (type === 'tracing' && error.errnoName === 'EFAULT')) return notRunnable(type, error);
  if (error.errnoName !== 'EINVAL' && error.errnoName !== 'ENODEV') return error;
  return new OperationError(`the kernel does not run this ${type} program on that`, {
    code: 'SL2564', causes: [error.message], cause: error,
    hints: ['a packet has its Ethernet and IP header; one longer than a page needs an XDP program with frags', 'an interface in --ctx is one of the namespace, see --netns'],
  });
}

const notRunnable = (type: string, cause?: Error): UnsupportedError =>
  new UnsupportedError(`running ${type} programs on request`, { code: 'SL2563', causes: [`the kernel runs ${runnableTypes().join(', ')}`], hints: ['sluice bpf prog stats counts its real runs'], cause });

function describeResult(runnable: RunnableType, input: TestRun, { output, context }: TestRunResult): Omit<ProgramRun, 'program' | 'result' | 'verdict' | 'repeat' | 'durationNs'> {
  const data = input.data;
  return {
    context: compareContext(runnable, input.context, context),
    ...(data === undefined ? {} : { input: describePacket(data) }),
    ...(data !== undefined && runnable.output === 'packet' ? { output: describeOutput(data, runnable.ethernet === true ? output : withHeader(data, output)) } : {}),
    ...(runnable.output === 'flow-keys' ? { flowKeys: readFlowKeys(output) } : {}),
    ...(runnable.input === 'memory' && input.context !== undefined ? { memory: input.context.toString('hex') } : {}),
    ...(runnable.input === 'lookup' && chosenSocket(context) !== 0n ? { socketCookie: chosenSocket(context) } : {}),
  };
}

/** The kernel runs the program behind the Ethernet header and gives out zeros in its place. */
const withHeader = (before: Buffer, after: Buffer): Buffer => Buffer.concat([before.subarray(0, ETHERNET_BYTES), after.subarray(ETHERNET_BYTES)]);

const describePacket = (packet: Buffer): RunPacket => ({ length: packet.length, hex: packet.toString('hex'), summary: summarizePacket(decodePacket(packet)) });

const describeOutput = (before: Buffer, after: Buffer): RunPacket & PacketDifference => ({ ...describePacket(after), ...comparePackets(before, after) });

function compareContext({ context: layout, changes }: RunnableType, before: Buffer | undefined, after: Buffer): FieldChange[] {
  if (layout === undefined || changes === undefined || after.length < layout.bytes) return [];
  return compareFields(readFields(before ?? Buffer.alloc(layout.bytes), layout, changes), readFields(after, layout, changes));
}
