/** Queueing disciplines and filters: what attaching a BPF program to clsact needs. */

import { formatTcMessage, type TcMessage } from 'netlink/dist/rt/structs.js';
import { netlink, pktCls, rtnetlink } from '../uapi/index.ts';
import { cString, encode, nest, readText, u32, walk } from './attributes.ts';
import type { Request } from './message.ts';
import type { Dump, NetlinkSocket } from './socket.ts';

/** Side of a clsact qdisc. */
export type ClsactHook = 'ingress' | 'egress';

/** A queueing discipline. Handles are major << 16 | minor. */
export interface Qdisc {
  ifindex: number;
  kind: string;
  handle: number;
  parent: number;
}

/** A filter of a clsact or ingress qdisc. */
export interface TcFilter {
  ifindex: number;
  kind: string;
  handle: number;
  parent: number;
  /** Lower ones are asked first. */
  priority: number;
  /** EtherType in host order; 3 (ETH_P_ALL) takes all. */
  protocol: number;
  chain: number;
  /** Of a `bpf` filter: the name it was given, its program, and whether its return code is the verdict. */
  bpf: { name: string | undefined; programId: number | undefined; directAction: boolean } | undefined;
}

/** Length of `struct tcmsg`. */
const TCMSG = 20;
const ETH_P_ALL = 0x0003;

/** All qdiscs, or those of one interface. */
export function listQdiscs(netlinkSocket: NetlinkSocket, ifindex = 0): Dump<Qdisc> {
  const found = netlinkSocket.dump({ operation: 'RTM_GETQDISC', type: rtnetlink.RTM_GETQDISC, flags: 0, body: tcHeader(ifindex, 0) }, readQdisc);
  // The kernel shows those of every interface whatever is asked.
  return ifindex === 0 ? found : { ...found, items: found.items.filter((qdisc) => qdisc.ifindex === ifindex) };
}

/** Filters on one side of an interface's clsact qdisc; none where it has no such qdisc. */
export const listFilters = (netlinkSocket: NetlinkSocket, ifindex: number, hook: ClsactHook): Dump<TcFilter> =>
  netlinkSocket.dump({ operation: 'RTM_GETTFILTER', type: rtnetlink.RTM_GETTFILTER, flags: 0, body: tcHeader(ifindex, parentOf(hook)) }, readFilter);

/** Puts a clsact qdisc on an interface. Refused with EEXIST when it has one, or an ingress qdisc. */
export const addClsact = (ifindex: number, device: string): Request => tcRequest(`RTM_NEWQDISC ${device} clsact`, rtnetlink.RTM_NEWQDISC, netlink.NLM_F_CREATE | netlink.NLM_F_EXCL, {
  ifindex, handle: CLSACT_HANDLE, parent: pktCls.TC_H_CLSACT,
}, { kind: 'clsact' });

const CLSACT_HANDLE = 0xffff_0000;

/** A BPF program on one side of a clsact qdisc. */
export interface BpfFilterSpec {
  ifindex: number;
  hook: ClsactHook;
  /** Descriptor of the program; needed only to add or replace. */
  programFd?: number;
  name: string;
  /** @default 1; 0 lets the kernel choose */
  priority?: number;
  /** @default 1 */
  handle?: number;
  /** The program's return code is the verdict. @default true */
  directAction?: boolean;
}

/** Adds a filter (`create`, EEXIST where handle and priority are taken) or takes the place of one (`replace`). */
export function addBpfFilter(spec: BpfFilterSpec & { programFd: number }, mode: 'create' | 'replace', device: string): Request {
  const flags = netlink.NLM_F_CREATE | (mode === 'create' ? netlink.NLM_F_EXCL : 0);
  const options = nest([
    [pktCls.TCA_BPF_FD, u32(spec.programFd)], [pktCls.TCA_BPF_NAME, cString(spec.name)],
    [pktCls.TCA_BPF_FLAGS, u32(spec.directAction === false ? 0 : pktCls.TCA_BPF_FLAG_ACT_DIRECT)],
  ]);
  return tcRequest(`RTM_NEWTFILTER ${device} ${spec.hook}`, rtnetlink.RTM_NEWTFILTER, flags, filterHeader(spec), { kind: 'bpf', options });
}

/** Removes one filter by side, priority and handle. */
export const deleteBpfFilter = (spec: Omit<BpfFilterSpec, 'programFd' | 'name'>, device: string): Request =>
  tcRequest(`RTM_DELTFILTER ${device} ${spec.hook}`, rtnetlink.RTM_DELTFILTER, 0, filterHeader(spec), { kind: 'bpf' });

const parentOf = (hook: ClsactHook): number => (CLSACT_HANDLE | (hook === 'ingress' ? pktCls.TC_H_MIN_INGRESS : pktCls.TC_H_MIN_EGRESS)) >>> 0;

/** `info` holds the priority above and the EtherType, in network order, below. */
const filterHeader = ({ ifindex, hook, priority = 1, handle = 1 }: Omit<BpfFilterSpec, 'programFd' | 'name'>): TcMessage['data'] => ({
  ifindex, handle, parent: parentOf(hook), info: ((priority << 16) | (ETH_P_ALL << 8)) >>> 0,
});

const tcRequest = (operation: string, type: number, flags: number, data: TcMessage['data'], attrs: TcMessage['attrs']): Request => ({
  operation, type, flags, body: encode(formatTcMessage, { kind: 'tc' as const, data, attrs }),
});

function tcHeader(ifindex: number, parent: number): Buffer {
  const header = Buffer.alloc(TCMSG);
  header.writeInt32LE(ifindex, 4);
  header.writeUInt32LE(parent, 12);
  return header;
}

function readQdisc(bytes: Buffer, start: number, end: number): Qdisc {
  return { ifindex: bytes.readInt32LE(start + 4), kind: readKind(bytes, start, end), handle: bytes.readUInt32LE(start + 8), parent: bytes.readUInt32LE(start + 12) };
}

function readKind(bytes: Buffer, start: number, end: number): string {
  let kind = '';
  walk(bytes, start + TCMSG, end, (type, from, to) => {
    if (type === rtnetlink.TCA_KIND) kind = readText(bytes, from, to);
  });
  return kind;
}

/** Undefined for the line that only announces a priority. */
function readFilter(bytes: Buffer, start: number, end: number): TcFilter | undefined {
  const info = bytes.readUInt32LE(start + 16);
  const filter: TcFilter = {
    ifindex: bytes.readInt32LE(start + 4), kind: readKind(bytes, start, end), handle: bytes.readUInt32LE(start + 8), parent: bytes.readUInt32LE(start + 12),
    priority: info >>> 16, protocol: ((info & 0xff) << 8) | ((info >>> 8) & 0xff), chain: 0, bpf: undefined,
  };
  walk(bytes, start + TCMSG, end, (type, from, to) => {
    if (type === rtnetlink.TCA_CHAIN) filter.chain = bytes.readUInt32LE(from);
    if (type === rtnetlink.TCA_OPTIONS && filter.kind === 'bpf') filter.bpf = readBpf(bytes, from, to);
  });
  return filter.handle === 0 ? undefined : filter;
}

function readBpf(bytes: Buffer, from: number, to: number): TcFilter['bpf'] {
  const bpf: NonNullable<TcFilter['bpf']> = { name: undefined, programId: undefined, directAction: false };
  walk(bytes, from, to, (type, start, end) => {
    if (type === pktCls.TCA_BPF_NAME) bpf.name = readText(bytes, start, end);
    if (type === pktCls.TCA_BPF_ID) bpf.programId = bytes.readUInt32LE(start);
    if (type === pktCls.TCA_BPF_FLAGS) bpf.directAction = (bytes.readUInt32LE(start) & pktCls.TCA_BPF_FLAG_ACT_DIRECT) !== 0;
  });
  return bpf;
}
