import { closeSync, openSync } from 'node:fs';
import { constants } from 'node:os';
import { SyscallError } from '../../lib/errors.ts';

/** A file descriptor that is closed once, by its owner: with `using`, or by `close()`. */
export class Fd {
  #number: number;

  constructor(number: number) {
    this.#number = number;
  }

  /**
   * Opens a file for reading; Node makes it close-on-exec.
   *
   * @throws SyscallError `open PATH`. @man open(2)
   */
  static open(path: string): Fd {
    try {
      return new Fd(openSync(path, 'r'));
    } catch (error) {
      throw toSyscallError(`open ${path}`, error);
    }
  }

  /** @throws TypeError after it was closed: a reused number would reach somebody else's file. */
  get number(): number {
    if (this.#number < 0) throw new TypeError('file descriptor used after it was closed');
    return this.#number;
  }

  /** Closing twice is allowed: only the first reaches the kernel. */
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

/** What `node:fs` threw, in the form that all of our system calls have. Passes on what is not from the system. */
export function toSyscallError(what: string, error: unknown): unknown {
  const { code } = error as NodeJS.ErrnoException;
  const errno = code === undefined ? undefined : constants.errno[code as keyof typeof constants.errno];
  return code === undefined || errno === undefined ? error : new SyscallError(what, errno, code);
}
