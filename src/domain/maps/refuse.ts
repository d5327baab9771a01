import { OperationError, SyscallError } from '../../lib/errors.ts';
import { traitsOf, type Verb } from './types.ts';

const WORDS: Readonly<Record<Verb, string>> = {
  dump: 'cannot be dumped', lookup: 'cannot be looked up in', set: 'cannot be set from here', delete: 'cannot be deleted from', watch: 'cannot be watched',
};

/** Says why a type of map cannot do something. @throws OperationError SL2601 */
export function checkVerb(name: string, type: string, verb: Verb): void {
  const reason = traitsOf(type).refuses[verb];
  if (reason !== undefined) throw new OperationError(`${name} is a ${type} and ${WORDS[verb]}`, { code: 'SL2601', reason: 'unsupported', causes: [reason] });
}

/** Facts about a map that its refusals are explained with. */
export interface RefusingMap {
  name: string;
  type: string;
  maxEntries: number;
  frozen: boolean;
  readOnly: boolean;
}

/** The kernel's answer to a change, in words about the map; errors that say enough by themselves are passed on. */
export function explainRefusal(error: unknown, { name, type, maxEntries, frozen, readOnly }: RefusingMap): unknown {
  if (!(error instanceof SyscallError)) return error;
  const facts = { causes: [error.message], cause: error };
  switch (error.errnoName) {
    case 'EPERM':
      if (frozen) return new OperationError(`map ${name} is frozen: user space may not change it any more`, { ...facts, code: 'SL2610' });
      return readOnly ? new OperationError(`map ${name} is read-only for user space`, { ...facts, code: 'SL2610' }) : error;
    case 'E2BIG': return new OperationError(`no room in map ${name}: it takes ${maxEntries} ${maxEntries === 1 ? 'entry' : 'entries'}`, { ...facts, code: 'SL2611' });
    case 'EOPNOTSUPP':
    case 'ENOTSUPP': return new OperationError(`the kernel does not do this with a ${type}`, { ...facts, code: 'SL2601', reason: 'unsupported' });
    case 'EBADF': return new OperationError(`what was named is not of the kind that a ${type} takes`, { ...facts, code: 'SL2612', reason: 'usage' });
    case 'EINVAL': return new OperationError(`the kernel does not take this for map ${name}, a ${type}`, { ...facts, code: 'SL2612' });
    default: return error;
  }
}
