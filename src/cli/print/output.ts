import { fstatSync, write } from 'node:fs';

/** Bytes of one write to a pipe or terminal. */
const PIECE = 1 << 20;

/** Standard output for large amounts: a write is settled when its bytes may be overwritten. */
export class Output {
  /** Files and devices without a reader of their own speed are written in another thread; pipes and terminals by Node, which waits for them. */
  readonly #direct = !process.stdout.isTTY && (fstatSync(1).isFile() || fstatSync(1).isCharacterDevice());

  async write(bytes: Uint8Array | string): Promise<void> {
    const buffer = typeof bytes === 'string' ? Buffer.from(bytes) : bytes;
    if (this.#direct) return await writeAll(buffer);
    for (let at = 0; at < buffer.length; at += PIECE) await writePiece(buffer.subarray(at, at + PIECE));
  }
}

async function writeAll(bytes: Uint8Array): Promise<void> {
  for (let at = 0; at < bytes.length; ) at += await writeSome(bytes, at);
}

const writeSome = (bytes: Uint8Array, at: number): Promise<number> =>
  new Promise((resolve, reject) => {
    write(1, bytes, at, bytes.length - at, null, (error, written) => (error === null ? resolve(written) : reject(error)));
  });

/** A reader that went away ends the process elsewhere. */
const writePiece = (bytes: Uint8Array): Promise<void> =>
  new Promise((resolve, reject) => {
    process.stdout.write(bytes, (error) => (error === null || error === undefined ? resolve() : reject(error)));
  });
