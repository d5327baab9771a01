/** What the kernel says no to, as a user should read it. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { PermissionError, SyscallError, VerifierError } from '../../../lib/errors.ts';
import { pinName } from './plan.ts';

/**
 * Runs `work`, which loads programs. The log of a refusal is saved by the program's name, over that of the last time.
 *
 * @throws VerifierError with the name of the file; PermissionError for what the kernel lets nobody, or only root, do
 */
export function explainRefusals<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof VerifierError) throw withLogFile(error);
    if (error instanceof SyscallError && error.reason === 'permission') throw forbidden(error);
    throw error;
  }
}

function forbidden(error: SyscallError): PermissionError {
  const isRoot = process.getuid?.() === 0;
  return new PermissionError(isRoot ? 'this machine forbids to load the program, to root as well' : 'only root may load BPF programs', {
    causes: [error.message], cause: error, details: error.details,
    hints: isRoot
      ? ['lockdown, a container without CAP_BPF, or no trampolines for fentry, fexit, lsm and freplace: sluice bpf features']
      : ['run it with sudo', '--dry-run=client needs no rights'],
  });
}

/** The same error with the name of the file; without it where nothing can be written, since the refusal is what counts. */
function withLogFile({ program, errnoName, log, refusal }: VerifierError): VerifierError {
  const folder = join(process.env['SLUICE_STATE_DIR'] ?? '/var/lib/sluice', 'verifier');
  const logFile = join(folder, `${pinName(program)}.log`);
  try {
    mkdirSync(folder, { recursive: true, mode: 0o700 });
    writeFileSync(logFile, log, { mode: 0o600 });
  } catch {
    return new VerifierError(program, errnoName, log, refusal);
  }
  return new VerifierError(program, errnoName, log, { ...refusal, logFile });
}
