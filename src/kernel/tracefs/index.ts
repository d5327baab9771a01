/** Tracepoints by text, where programs cannot be attached to them: an instance of tracefs of one's own. @kernel Documentation/trace/ftrace.rst */

import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { UnsupportedError } from '../../lib/errors.ts';
import { toSyscallError } from '../syscalls/index.ts';

let made = 0;

/** Collects the lines of one event of the whole machine until it is closed. Nobody else's tracing is touched. */
export class TraceInstance implements Disposable {
  readonly #path: string;
  readonly #event: string;

  /**
   * @param event `skb/kfree_skb`
   * @throws UnsupportedError where tracefs is not mounted; SyscallError EACCES without rights, ENOENT for an event that does not exist.
   */
  constructor(event: string) {
    this.#event = event;
    this.#path = join(findMount(), 'instances', `sluice-${process.pid}-${++made}`);
    this.#try('mkdir', () => mkdirSync(this.#path));
    try {
      this.#write(`events/${event}/enable`, '1');
    } catch (error) {
      this.#try('rmdir', () => rmdirSync(this.#path));
      throw error;
    }
  }

  /** What came so far, one line an event, behind its name: `skbaddr=… reason: NO_SOCKET`. The oldest go when the buffer is full. */
  lines(): string[] {
    const mark = `${this.#event.split('/')[1]}: `;
    const text = this.#try('read', () => readFileSync(join(this.#path, 'trace'), 'utf8'));
    return text.split('\n').filter((line) => !line.startsWith('#') && line.includes(mark)).map((line) => line.slice(line.indexOf(mark) + mark.length));
  }

  [Symbol.dispose](): void {
    this.#write(`events/${this.#event}/enable`, '0');
    this.#try('rmdir', () => rmdirSync(this.#path));
  }

  #write(file: string, text: string): void {
    this.#try(`write ${file}`, () => writeFileSync(join(this.#path, file), text));
  }

  #try<T>(what: string, work: () => T): T {
    try {
      return work();
    } catch (error) {
      throw toSyscallError(`${what} ${this.#path}`, error);
    }
  }
}

/** Fields of /proc/self/mountinfo: the fifth is the mount point, the type follows the separator. */
function findMount(): string {
  const mounts = readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => ({ point: line.split(' ')[4], type: line.split(' - ')[1]?.split(' ')[0] }));
  const found = mounts.findLast(({ type }) => type === 'tracefs')?.point;
  if (found === undefined) throw new UnsupportedError('reading tracepoints as text', { needs: 'tracefs', hints: ['mount -t tracefs tracefs /sys/kernel/tracing'] });
  return found;
}
