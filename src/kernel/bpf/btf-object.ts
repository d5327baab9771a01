/** BTF that is loaded in the kernel: its own, that of modules, and that of programs and maps. */

import { Btf, kernelBtf } from '../btf/index.ts';
import { address, type Fd } from '../syscalls/index.ts';
import { cString, objectInfo } from './info.ts';
import { openById } from './ids.ts';

/** What the kernel says about a BTF object, without its types (`struct bpf_btf_info`). */
export interface BtfSummary {
  id: number;
  /** `vmlinux` or a module; mostly empty for what programs brought along. */
  name: string;
  /** Of the kernel or a module, not loaded by a user. */
  isKernel: boolean;
  /** Length of the blob. */
  size: number;
}

/** A BTF object with its blob, as the kernel gives it out. */
export interface BtfObject extends BtfSummary {
  bytes: Buffer;
}

/** sizeof(struct bpf_btf_info) since Linux 5.11; before it ended behind `id`, and the rest reads as zero. */
const INFO_BYTES = 32;
/** A module's name is at most 55 characters long (MODULE_NAME_LEN). */
const NAME_BYTES = 64;

/** What the kernel says about the BTF object behind a descriptor. */
export function btfSummary(fd: Fd): BtfSummary {
  const { info, name } = request(fd, Buffer.alloc(0));
  return summarize(info, name);
}

/** Reads a BTF object; undefined when there is none of this id. @throws SyscallError EPERM without CAP_SYS_ADMIN. */
export function readBtfObject(id: number): BtfObject | undefined {
  using fd = openById('btf', id);
  if (fd === undefined) return undefined;
  const bytes = Buffer.alloc(btfSummary(fd).size);
  const { info, name } = request(fd, bytes);
  return { ...summarize(info, name), bytes };
}

/** The types of a BTF object; those of a module stand on the kernel's. @throws OperationError SL2402 when it is damaged. */
export function parseBtf({ id, name, isKernel, bytes }: BtfObject): Btf {
  const source = name === '' ? `BTF ${id}` : name;
  return isKernel && name !== 'vmlinux' ? new Btf(bytes, source, kernelBtf()) : new Btf(bytes, source);
}

/** Has the kernel fill in the blob, as far as there is room, and the name. */
function request(fd: Fd, bytes: Buffer): { info: Buffer; name: Buffer } {
  const name = Buffer.alloc(NAME_BYTES);
  const info = objectInfo(fd, INFO_BYTES, (fields) => {
    fields.writeBigUInt64LE(bytes.length === 0 ? 0n : address(bytes), 0);
    fields.writeUInt32LE(bytes.length, 8);
    fields.writeBigUInt64LE(address(name), 16);
    fields.writeUInt32LE(name.length, 24);
  });
  return { info, name };
}

const summarize = (info: Buffer, name: Buffer): BtfSummary => ({
  id: info.readUInt32LE(12), name: cString(name), isKernel: info.readUInt32LE(28) !== 0, size: info.readUInt32LE(8),
});
