import { mkdirSync, statfsSync } from 'node:fs';
import { dirname } from 'node:path';
import { OperationError, SyscallError } from '../../lib/errors.ts';
import { call, Fd, toSyscallError } from '../syscalls/index.ts';
import { bpf as uapi } from '../uapi/index.ts';
import { Attr } from './attr.ts';
import { unlessAbsent } from './map.ts';

/** linux/magic.h BPF_FS_MAGIC */
const BPF_FS_MAGIC = 0xcafe4a11;
const ATTEMPTS = 5;
const DEFAULT_BPFFS = '/sys/fs/bpf';

/**
 * Pins an object so that it outlives the process; the folder is made as needed. Unlinking the file removes the pin.
 *
 * @throws SyscallError EEXIST when the name is taken; EINVAL outside a bpf file system; ENOSPC when that is full.
 */
export function pin(fd: Fd, path: string): void {
  for (let attempt = 1; ; attempt++) {
    makeFolder(dirname(path));
    try {
      return void new Attr().string(0, path).u32(8, fd.number).call(uapi.BPF_OBJ_PIN, `BPF_OBJ_PIN ${path}`);
    } catch (error) {
      // Whoever removes a pin also removes folders that are empty then, perhaps this one.
      if (!(error instanceof SyscallError) || error.errnoName !== 'ENOENT' || attempt === ATTEMPTS) throw error;
    }
  }
}

function makeFolder(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw toSyscallError(`mkdir ${path}`, error);
  }
}

/** Opens a pinned object, or undefined where nothing is pinned. @throws SyscallError EACCES where the file is something else. */
export function openPin(path: string): Fd | undefined {
  const number = unlessAbsent(() => new Attr().string(0, path).call(uapi.BPF_OBJ_GET, `BPF_OBJ_GET ${path}`));
  return number === undefined ? undefined : new Fd(number);
}

/** Where the bpf file system to pin in belongs, mounted or not. */
export const bpffsPath = (): string => process.env['SLUICE_BPFFS'] ?? DEFAULT_BPFFS;

/**
 * The bpf file system to pin in: `SLUICE_BPFFS`, else /sys/fs/bpf, mounted when it is not.
 *
 * @throws OperationError SL2301 when it cannot be mounted or the path is another file system.
 */
export function ensureBpffs(path: string = bpffsPath()): string {
  if (isBpffs(path)) return path;
  try {
    call('mount', `mount bpf on ${path}`, 'bpf', path, 'bpf', 0, null);
    return path;
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    throw new OperationError(`no bpf file system at ${path}`, {
      code: 'SL2301', reason: error.reason, causes: [error.message], hints: [`mount -t bpf bpf ${path}`], cause: error,
    });
  }
}

/** Whether a path lies in a bpf file system. */
export function isBpffs(path: string): boolean {
  try {
    return statfsSync(path).type === BPF_FS_MAGIC;
  } catch {
    return false;
  }
}
