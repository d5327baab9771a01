import { closeSync } from 'node:fs';

/** A file descriptor that is closed once, by its owner: with `using`, or by `close()`. */
export class Fd {
  #number: number;

  constructor(number: number) {
    this.#number = number;
  }

  /** @throws TypeError after it was closed: a reused number would reach somebody else's file. */
  get number(): number {
    if (this.#number < 0) throw new TypeError('file descriptor used after it was closed');
    return this.#number;
  }

  close(): void {
    if (this.#number < 0) return;
    const number = this.#number;
    this.#number = -1;
    closeSync(number);
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
