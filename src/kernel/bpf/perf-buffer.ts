import { type Fd, mapShared, openPerfEvent, type Mapping } from '../syscalls/index.ts';
import { indexKey, type BpfMap } from './map.ts';

const PAGE = 4096;
/** struct perf_event_attr, version 5 */
const ATTR_BYTES = 112;
const PERF_TYPE_SOFTWARE = 1;
const PERF_COUNT_SW_BPF_OUTPUT = 10;
const PERF_SAMPLE_RAW = 1n << 10n;
/** Places in struct perf_event_mmap_page. */
const DATA_HEAD = 1024;
const DATA_TAIL = 1032;
const PERF_RECORD_LOST = 2;
const PERF_RECORD_SAMPLE = 9;
const HEADER_BYTES = 8;

/**
 * Reads what programs put out on one CPU through a perf event array: opens an event, puts it into the array at the CPU's index, and
 * maps its ring. The kernel takes it out again when the map's descriptor is closed.
 *
 * @throws SyscallError EPERM without CAP_PERFMON; ENODEV for a CPU that is offline. @kernel bpf_event_output, perf_event_mmap_page
 */
export class PerfReader {
  readonly cpu: number;
  readonly fd: Fd;
  readonly #ring: Mapping;
  readonly #size: number;

  /** `pages` is a power of two. */
  constructor(map: BpfMap, cpu: number, pages: number) {
    this.cpu = cpu;
    this.#size = pages * PAGE;
    this.fd = openPerfEvent(outputAttr(), { pid: -1, cpu });
    try {
      this.#ring = mapShared(this.fd, PAGE + this.#size, { writable: true });
      map.update(indexKey(cpu), indexKey(this.fd.number));
    } catch (error) {
      this.close();
      throw error;
    }
  }

  /** Hands out every record, whose bytes are its own; `lost` is told how many the ring had no room for. */
  drain(each: (record: Buffer) => void, lost: (count: number) => void): void {
    const { bytes } = this.#ring;
    const head = Number(bytes.readBigUInt64LE(DATA_HEAD));
    let tail = Number(bytes.readBigUInt64LE(DATA_TAIL));
    while (tail < head) {
      const header = this.#read(tail, HEADER_BYTES);
      const size = header.readUInt16LE(6);
      const body = this.#read(tail + HEADER_BYTES, size - HEADER_BYTES);
      if (header.readUInt32LE(0) === PERF_RECORD_SAMPLE) each(body.subarray(4, 4 + body.readUInt32LE(0)));
      else if (header.readUInt32LE(0) === PERF_RECORD_LOST) lost(Number(body.readBigUInt64LE(8)));
      tail += size;
    }
    bytes.writeBigUInt64LE(BigInt(tail), DATA_TAIL);
  }

  /** Bytes at a position, which may go on at the start of the ring. */
  #read(position: number, length: number): Buffer {
    const at = position % this.#size;
    const first = Math.min(length, this.#size - at);
    const { bytes } = this.#ring;
    return Buffer.concat([bytes.subarray(PAGE + at, PAGE + at + first), bytes.subarray(PAGE, PAGE + length - first)]);
  }

  close(): void {
    // A constructor that failed has no ring.
    (this.#ring as Mapping | undefined)?.unmap();
    this.fd.close();
  }
}

function outputAttr(): Buffer {
  const attr = Buffer.alloc(ATTR_BYTES);
  attr.writeUInt32LE(PERF_TYPE_SOFTWARE, 0);
  attr.writeUInt32LE(ATTR_BYTES, 4);
  attr.writeBigUInt64LE(BigInt(PERF_COUNT_SW_BPF_OUTPUT), 8);
  // Every record counts, and every one wakes up.
  attr.writeBigUInt64LE(1n, 16);
  attr.writeBigUInt64LE(PERF_SAMPLE_RAW, 24);
  attr.writeUInt32LE(1, 48);
  return attr;
}
