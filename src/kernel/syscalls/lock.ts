import { SyscallError } from '../../lib/errors.ts';
import type { Fd } from './fd.ts';
import { call } from './libc.ts';

const LOCK_EX = 2;
const LOCK_NB = 4;

/** Takes the exclusive lock of an open file without waiting; it ends with the descriptor. False when somebody holds it. @man flock(2) */
export function tryLock(fd: Fd): boolean {
  try {
    call('flock', 'flock', fd.number, LOCK_EX | LOCK_NB);
    return true;
  } catch (error) {
    if (error instanceof SyscallError && error.errnoName === 'EAGAIN') return false;
    throw error;
  }
}
