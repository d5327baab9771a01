import type { TestRun } from '../../../kernel/bpf/index.ts';
import { UsageError } from '../../../lib/errors.ts';
import { frameBytes, type Frame } from '../../../lib/packet/frame.ts';
import { packArguments, setFields } from './context.ts';
import { FLOW_KEYS_BYTES } from './flow-keys.ts';
import { lookupContext } from './lookup.ts';
import type { RunnableType } from './program-type.ts';

/** What a user gives a program to run on. */
export interface Given {
  /** As bytes, from a capture or in hexadecimal. */
  data?: Buffer | undefined;
  /** In words. */
  frame?: Frame | undefined;
  /** `--ctx` */
  context: readonly string[];
  /** `--ctx-hex` */
  memory?: Buffer | undefined;
}

const ETHERNET_BYTES = 14;
/** A program may put so much in front of a packet. */
const HEADROOM = 512;
const ETH_P_IPV6 = 0x86dd;
const NF_INET_LOCAL_OUT = 3;
const NFPROTO_IPV4 = 2;
const NFPROTO_IPV6 = 10;

/** The call for what was given. @throws UsageError SL2561 where that does not fit the type */
export function makeInput(given: Given, type: string, runnable: RunnableType): TestRun {
  if (given.memory !== undefined && runnable.input !== 'memory') throw unfit(`--ctx-hex is for syscall programs, and this is ${type}`);
  if (given.context.length > 0 && runnable.context === undefined && runnable.input !== 'arguments') throw unfit(`${type} programs have no context that can be set with --ctx`);
  if (runnable.input === 'packet') return packetInput(given, type, runnable);
  if (runnable.input === 'lookup') return lookupInput(given, runnable);
  if (given.data !== undefined || given.frame !== undefined) throw unfit(`${type} programs take no packet`);
  if (runnable.input === 'arguments') return { context: packArguments(given.context) };
  return given.memory === undefined ? {} : { context: given.memory };
}

function packetInput(given: Given, type: string, { output, context: layout, changes = [] }: RunnableType): TestRun {
  const data = given.data ?? (given.frame === undefined ? undefined : frameBytes(given.frame));
  if (data === undefined) throw unfit(`${type} programs run on a packet: give --packet, --data-hex or --pcap`, ["--packet 'udp 10.0.0.1:5000 > 10.0.0.2:53'"]);
  if (data.length < ETHERNET_BYTES) throw unfit(`${data.length} bytes are no frame: its Ethernet header alone has ${ETHERNET_BYTES}`);
  const context = layout === undefined || given.context.length === 0 ? undefined : startContext(type, layout.bytes, data);
  if (context !== undefined) setFields(context, layout!, given.context);
  return {
    data, ...(context === undefined ? {} : { context }), ...(changes.length === 0 ? {} : { contextOutputBytes: layout!.bytes }),
    outputBytes: output === 'packet' ? data.length + HEADROOM : output === 'flow-keys' ? FLOW_KEYS_BYTES : 0,
  };
}

/** What a context has to say beside what the user sets. */
function startContext(type: string, bytes: number, data: Buffer): Buffer {
  const context = Buffer.alloc(bytes);
  // The packet lies at 0 and ends there.
  if (type === 'xdp') context.writeUInt32LE(data.length, 4);
  if (type === 'netfilter') context.set([NF_INET_LOCAL_OUT, data.readUInt16BE(12) === ETH_P_IPV6 ? NFPROTO_IPV6 : NFPROTO_IPV4]);
  return context;
}

function lookupInput({ data, frame, context: words }: Given, { context: layout }: RunnableType): TestRun {
  if (frame === undefined || data !== undefined) throw unfit('a socket lookup has addresses but no packet: describe them with --packet', ["--packet 'tcp 10.0.0.1:40000 > 10.0.0.2:443'"]);
  const context = lookupContext(frame);
  setFields(context, layout!, words);
  return { context, contextOutputBytes: context.length };
}

const unfit = (message: string, hints: readonly string[] = []): UsageError => new UsageError(message, { code: 'SL2561', hints });
