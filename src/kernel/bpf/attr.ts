import { address, call } from '../syscalls/index.ts';

const SYS_BPF = process.arch === 'arm64' ? 280 : 321;
/** Longer than any `union bpf_attr` in use; the kernel accepts a longer one whose tail is zero. */
const ATTR_BYTES = 152;

/**
 * `union bpf_attr`, filled field by field at the offsets of linux/bpf.h.
 *
 * Buffers whose address goes in are kept here, so that none is collected before the call has returned.
 */
export class Attr {
  readonly bytes = Buffer.alloc(ATTR_BYTES);
  readonly #kept: Buffer[] = [];

  u32(offset: number, value: number): this {
    this.bytes.writeUInt32LE(value >>> 0, offset);
    return this;
  }

  pointer(offset: number, buffer: Buffer): this {
    this.#kept.push(buffer);
    this.bytes.writeBigUInt64LE(address(buffer), offset);
    return this;
  }

  string(offset: number, text: string): this {
    return this.pointer(offset, Buffer.from(`${text}\0`));
  }

  /** A fixed-size name, cut so that it ends in a NUL. */
  name(offset: number, text: string, size = 16): this {
    this.bytes.write(text.replace(/[^\w.]/g, '_').slice(0, size - 1), offset, 'latin1');
    return this;
  }

  /** @throws SyscallError `bpf(NAME)` with the kernel's errno. @man bpf(2) */
  call(command: number, name: string): number {
    return Number(call('syscall', `bpf(${name})`, SYS_BPF, command, this.bytes, this.bytes.length));
  }
}
