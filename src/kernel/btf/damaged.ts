import { OperationError } from '../../lib/errors.ts';

/** The error for a blob that cannot be what a compiler or the kernel wrote. */
export const damaged = (source: string, what: string): OperationError =>
  new OperationError(`${source}: BTF is damaged: ${what}`, { code: 'SL2402', reason: 'usage' });
