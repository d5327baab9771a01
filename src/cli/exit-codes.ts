import { SluiceError, type Reason } from '../lib/errors.ts';

/** What a process ends with, and why that number. */
export const EXIT_CODES: readonly { code: number; meaning: string }[] = [
  { code: 0, meaning: 'done; yes; allowed; equal; healthy' },
  { code: 1, meaning: 'the question was answered no: denied, differs, check failed' },
  { code: 2, meaning: 'usage: wrong flag or argument, unreadable or invalid input' },
  { code: 3, meaning: 'the operation failed, or the answer could not be determined' },
  { code: 4, meaning: 'permission: needs root or a capability' },
  { code: 5, meaning: 'the named object was not found' },
  { code: 6, meaning: 'not supported here: kernel, missing program, or rules that cannot be migrated' },
  { code: 7, meaning: 'the change was reverted: the node is as before' },
  { code: 8, meaning: 'the revert failed: the message names the file to run' },
  { code: 9, meaning: 'busy: a lock is held, or another change waits for its confirmation' },
  { code: 124, meaning: '--timeout expired' },
  { code: 130, meaning: 'interrupted (SIGINT)' },
  { code: 141, meaning: 'the reader of the output went away (SIGPIPE)' },
];

const BY_REASON: Readonly<Record<Reason, number>> = {
  usage: 2, failed: 3, permission: 4, 'not-found': 5, unsupported: 6, reverted: 7, 'revert-failed': 8, busy: 9, timeout: 124,
};

/** The exit code of an error; 3 for one that sluice did not raise on purpose. */
export const exitCodeOf = (error: unknown): number => (error instanceof SluiceError ? BY_REASON[error.reason] : 3);
