import { OperationError } from '../../../lib/errors.ts';

/** A CO-RE relocation of `what` that has no answer on this kernel. */
export const cannotRelocate = (what: string, why: string): OperationError =>
  new OperationError(`cannot relocate ${what}: ${why}`, { code: 'SL2404' });
