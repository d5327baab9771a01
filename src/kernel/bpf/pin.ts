import { mkdirSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { OperationError, SyscallError } from '../../lib/errors.ts';
import { call, Fd } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';

/** linux/magic.h BPF_FS_MAGIC */
const BPF_FS_MAGIC = 0xcafe4a11;
const DEFAULT_BPFFS = '/sys/fs/bpf';

/** Pins an object so that it outlives the process; the folder is made as needed. @throws SyscallError EEXIST when taken. */
export function pin(fd: Fd, path: string): void {
  mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
  new Attr().string(0, path).u32(8, fd.number).call(uapi.BPF_OBJ_PIN, `BPF_OBJ_PIN ${path}`);
}

/** Opens a pinned object, or undefined where nothing is pinned. */
export function openPin(path: string): Fd | undefined {
  try {
    return new Fd(new Attr().string(0, path).call(uapi.BPF_OBJ_GET, `BPF_OBJ_GET ${path}`));
  } catch (error) {
    if (error instanceof SyscallError && error.errnoName === 'ENOENT') return undefined;
    throw error;
  }
}

/**
 * The bpf file system to pin in: `SLUICE_BPFFS`, else /sys/fs/bpf, mounted when it is not.
 *
 * @throws OperationError SL2301 when it cannot be mounted or the path is another file system.
 */
export function ensureBpffs(): string {
  const path = process.env['SLUICE_BPFFS'] ?? DEFAULT_BPFFS;
  if (isBpffs(path)) return path;
  try {
    call('mount', `mount bpf on ${path}`, 'bpf', path, 'bpf', 0, null);
  } catch (error) {
    throw new OperationError(`no bpf file system at ${path}`, {
      code: 'SL2301',
      causes: [error instanceof Error ? error.message : String(error)],
      hints: [`mount -t bpf bpf ${path}`],
      cause: error,
    });
  }
  return path;
}

function isBpffs(path: string): boolean {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC;
  } catch {
    return false;
  }
}
