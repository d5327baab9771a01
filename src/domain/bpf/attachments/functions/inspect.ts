import { attachTypeName, btfSummary, openById, parseBtf, readBtfObject, type LinkPlace } from '../../../../kernel/bpf/index.ts';
import { kernelBtf, type Btf } from '../../../../kernel/btf/index.ts';

const PREFIXES: Readonly<Record<string, string>> = { trace_raw_tp: 'btf_trace_', lsm_mac: 'bpf_lsm_', lsm_cgroup: 'bpf_lsm_', trace_iter: 'bpf_iter_' };

/** Reads names of kernel functions out of BTF, each object once. */
export class FunctionNames {
  readonly #loaded = new Map<number, Btf | undefined>();

  /** The function of a tracing link as users write it: `sched_switch` for `btf_trace_sched_switch`; undefined when it cannot be told. */
  name(objectId: number, typeId: number, attachType: string): string | undefined {
    const btf = this.#load(objectId);
    if (btf === undefined || typeId === 0 || typeId >= btf.count) return undefined;
    const { name } = btf.type(typeId);
    const prefix = PREFIXES[attachType] ?? '';
    return name.startsWith(prefix) ? name.slice(prefix.length) : name;
  }

  #load(objectId: number): Btf | undefined {
    if (!this.#loaded.has(objectId)) this.#loaded.set(objectId, load(objectId));
    return this.#loaded.get(objectId);
  }
}

/** The kernel's own types are at hand already. */
function load(objectId: number): Btf | undefined {
  using fd = openById('btf', objectId);
  if (fd === undefined) return undefined;
  const { isKernel, name } = btfSummary(fd);
  return isKernel && name === 'vmlinux' ? kernelBtf() : parseBtf(readBtfObject(objectId)!);
}

/** The function that a tracing link stands on, as users write it; undefined for other links and where it cannot be told. */
export function functionOfLink(place: LinkPlace): string | undefined {
  if (place.kind === 'raw_tracepoint') return place.name;
  return place.kind === 'tracing' ? new FunctionNames().name(place.objectId, place.typeId, attachTypeName(place.attachType)) : undefined;
}
