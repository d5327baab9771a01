import { address, call, callAsync } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';

const SYS_BPF = process.arch === 'arm64' ? 280 : 321;
/** Longer than any `union bpf_attr` in use; the kernel accepts a longer one whose tail is zero. */
const ATTR_BYTES = 152;

/**
 * `union bpf_attr`, filled field by field at the offsets of linux/bpf.h, little endian.
 *
 * Buffers whose address goes in are kept here, so that none is collected before the call has returned.
 */
export class Attr {
  readonly bytes = Buffer.alloc(ATTR_BYTES);
  readonly #kept: Buffer[] = [];

  /** @throws RangeError for a number that does not fit: cut off it would mean something else. */
  u32(offset: number, value: number): this {
    this.bytes.writeUInt32LE(value, offset);
    return this;
  }

  i32(offset: number, value: number): this {
    this.bytes.writeInt32LE(value, offset);
    return this;
  }

  u64(offset: number, value: bigint): this {
    this.bytes.writeBigUInt64LE(value, offset);
    return this;
  }

  pointer(offset: number, buffer: Buffer): this {
    this.#kept.push(buffer);
    return this.u64(offset, address(buffer));
  }

  /** Points to an array of pointers, each to one of the buffers. */
  pointers(offset: number, buffers: readonly Buffer[]): this {
    const table = Buffer.alloc(buffers.length * 8);
    buffers.forEach((buffer, i) => table.writeBigUInt64LE(address(buffer), i * 8));
    this.#kept.push(...buffers);
    return this.pointer(offset, table);
  }

  string(offset: number, text: string): this {
    return this.pointer(offset, Buffer.from(`${text}\0`));
  }

  /** An object's name: what the kernel refuses in one is replaced, and it is cut to end in a NUL. */
  name(offset: number, text: string): this {
    this.bytes.write(text.replace(/[^\w.]/g, '_').slice(0, uapi.BPF_OBJ_NAME_LEN - 1), offset, 'latin1');
    return this;
  }

  /** @throws SyscallError `bpf(NAME)` with the kernel's errno. @man bpf(2) */
  call(command: number, name: string): number {
    return Number(call('syscall', `bpf(${name})`, SYS_BPF, command, this.bytes, this.bytes.length));
  }

  /** The same in another thread. */
  async callAsync(command: number, name: string): Promise<number> {
    return Number(await callAsync('syscall', `bpf(${name})`, SYS_BPF, command, this.bytes, this.bytes.length));
  }
}
