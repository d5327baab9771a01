/** File errors as users should read them. */

import { OperationError, PermissionError } from '../../lib/errors.ts';

/** Runs `work` and turns refusals of the file system into errors that say what to do; others pass unchanged. */
export async function explainFileErrors<T>(work: () => Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    throw explain(error as NodeJS.ErrnoException);
  }
}

function explain(error: NodeJS.ErrnoException): unknown {
  const { code, syscall, path } = error;
  if (code === undefined || syscall === undefined || !/^E[A-Z0-9]+$/.test(code)) return error;
  const where = path ?? 'the state directory';
  if (code === 'EACCES' || code === 'EPERM') return new PermissionError(`${where} may only be used by root`, { cause: error });
  return new OperationError(`cannot ${syscall} ${where}: ${code}`, { code: 'SL4010', cause: error });
}
