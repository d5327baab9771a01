import { mapShared, type Mapping } from '../syscalls/index.ts';
import type { BpfMap } from './map.ts';

const PAGE = 4096;
/** Bits of a record's first word: the producer still writes it; it was discarded. @kernel BPF_RINGBUF_BUSY_BIT */
const BUSY = 0x8000_0000;
const DISCARDED = 0x4000_0000;
const LENGTH = 0x3fff_ffff;

/**
 * Reads a ring buffer map. The consumer's position is ours to write; the producer's and the data are only read, and the
 * data is mapped twice in a row, so that no record is ever split.
 *
 * @kernel kernel/bpf/ringbuf.c
 */
export class RingReader {
  readonly #consumer: Mapping;
  readonly #rest: Mapping;
  readonly #size: number;

  constructor(map: BpfMap) {
    this.#size = map.spec.maxEntries;
    this.#consumer = mapShared(map.fd, PAGE, { writable: true });
    this.#rest = mapShared(map.fd, PAGE + 2 * this.#size, { writable: false, offset: PAGE });
  }

  /** Hands out every finished record; the bytes are valid only during the call. Returns how many there were. */
  drain(each: (record: Buffer) => void): number {
    const data = this.#rest.bytes;
    let position = Number(this.#consumer.bytes.readBigUInt64LE(0));
    let records = 0;
    while (position < Number(data.readBigUInt64LE(0))) {
      const at = PAGE + (position & (this.#size - 1));
      const head = data.readUInt32LE(at);
      if ((head & BUSY) !== 0) break;
      const length = head & LENGTH;
      if ((head & DISCARDED) === 0) {
        each(data.subarray(at + 8, at + 8 + length));
        records++;
      }
      position += Math.ceil((length + 8) / 8) * 8;
      this.#consumer.bytes.writeBigUInt64LE(BigInt(position), 0);
    }
    return records;
  }

  close(): void {
    this.#consumer.unmap();
    this.#rest.unmap();
  }
}
