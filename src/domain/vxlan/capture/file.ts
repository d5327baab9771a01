/** A pcap file while it is written; only what its records are made of. */

import { pcapHeader, pcapRecord } from './pcap.ts';

/** Collects records between two writes. `write` gets whole records only, the header first. */
export class PcapBuffer {
  readonly #write: (bytes: Buffer) => void;
  #waiting: Buffer[];

  constructor(linkType: number, write: (bytes: Buffer) => void) {
    this.#write = write;
    this.#waiting = [pcapHeader(linkType)];
    this.flush();
  }

  /** The bytes are copied. */
  add(timeNs: bigint, length: number, bytes: Buffer): void {
    this.#waiting.push(pcapRecord(timeNs, length, bytes));
  }

  flush(): void {
    if (this.#waiting.length > 0) this.#write(Buffer.concat(this.#waiting));
    this.#waiting = [];
  }
}
