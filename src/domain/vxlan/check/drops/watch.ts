/** Watches what the kernel throws away in some network namespaces. */

import { attachRawTracepoint, indexKey, loadObject, readBuiltin, type LoadedObject } from '../../../../kernel/bpf/index.ts';
import { Kind, kernelBtf } from '../../../../kernel/btf/index.ts';
import { netnsInode } from '../../../../kernel/netns/index.ts';
import { listLinks, openNetlink } from '../../../../kernel/netlink/index.ts';
import type { Fd } from '../../../../kernel/syscalls/index.ts';
import { TraceInstance } from '../../../../kernel/tracefs/index.ts';
import type { Drop } from '../model.ts';

/** `struct drop` of bpf/drop-reasons.bpf.c. */
const NO_VNI = 0xffff_ffff;
const PREFIX = /^(SKB_DROP_REASON_|SKB_)/;

/**
 * Counts drops of the whole machine by reason, from the text of the tracepoint: for kernels that let no program in. Where a packet was,
 * and what it was, is not told.
 */
export class TracedDrops implements Disposable {
  readonly #trace = new TraceInstance('skb/kfree_skb');

  read(): Drop[] {
    const reasons = this.#trace.lines().map((line) => /reason: (\w+)/.exec(line)?.[1]).filter((reason) => reason !== undefined);
    return [...Map.groupBy(reasons, (reason) => reason)].map(([reason, all]) => ({ reason, packets: all.length }));
  }

  [Symbol.dispose](): void {
    this.#trace[Symbol.dispose]();
  }
}

/** Counts drops from its opening to its closing, by a program at the tracepoint. */
export class DropWatch implements Disposable {
  readonly #object: LoadedObject;
  readonly #link: Fd;

  /**
   * @param port of the tunnel, where a VNI is looked for
   * @throws SyscallError EPERM without CAP_BPF and CAP_PERFMON; UnsupportedError on a kernel without BTF
   */
  constructor(netns: readonly (string | undefined)[], port: number) {
    this.#object = loadObject(readBuiltin('drop-reasons'), 'drop-reasons.bpf.o', { constants: { tunnel_port: port } });
    try {
      for (const path of netns) this.#object.map('namespaces').update(indexKey(netnsInode(path)), indexKey(1));
      this.#link = attachRawTracepoint(this.#object.program('dropped'), 'kfree_skb');
    } catch (error) {
      this.#object.close();
      throw error;
    }
  }

  /** What was dropped in one of the namespaces so far. */
  read(netns: string | undefined): Drop[] {
    const inode = netnsInode(netns);
    const names = deviceNames(netns);
    const reasons = reasonNames();
    return [...this.#rows()].filter(([key]) => key.readUInt32LE(0) === inode).map(([key, packets]) => describe(key, packets, names, reasons));
  }

  /** Drops for which the table had no room. */
  get lost(): number {
    return Number(this.#object.map('.bss').lookup(indexKey(0))!.readBigUInt64LE(0));
  }

  *#rows(): Generator<[key: Buffer, packets: number]> {
    const { keySize } = this.#object.map('drops').spec;
    for (const { keys, values, count } of this.#object.map('drops').chunks()) {
      for (let i = 0; i < count; i++) yield [keys.subarray(i * keySize, (i + 1) * keySize), Number(values.readBigUInt64LE(i * 8))];
    }
  }

  [Symbol.dispose](): void {
    this.#link.close();
    this.#object.close();
  }
}

function describe(key: Buffer, packets: number, names: ReadonlyMap<number, string>, reasons: ReadonlyMap<number, string>): Drop {
  const [reason, ifindex, vni] = [4, 8, 12].map((at) => key.readUInt32LE(at)) as [number, number, number];
  const [port, transport, device] = [key.readUInt16LE(18), key.readUInt32LE(20), names.get(ifindex)];
  return {
    reason: reasons.get(reason) ?? `reason ${reason}`, packets, transport, ...(device === undefined ? {} : { device }), ...(port === 0 ? {} : { port }),
    ...(vni === NO_VNI ? {} : { vni }),
  };
}

function deviceNames(netns: string | undefined): ReadonlyMap<number, string> {
  using netlink = openNetlink(netns === undefined ? {} : { netns: { path: netns } });
  return new Map(listLinks(netlink).items.map(({ index, name }) => [index, name]));
}

let reasons: ReadonlyMap<number, string> | undefined;

/** Names by number, as this kernel has them: they change between versions. */
function reasonNames(): ReadonlyMap<number, string> {
  const btf = kernelBtf();
  reasons ??= new Map(btf.find('skb_drop_reason', Kind.ENUM).flatMap((id) => btf.enumerators(btf.type(id)).map(({ name, value }) => [Number(value), name.replace(PREFIX, '')] as const)));
  return reasons;
}

