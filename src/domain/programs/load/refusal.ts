/** What the verifier wrote about a program that it refused, kept for reading. */

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { VerifierError } from '../../../lib/errors.ts';
import { pinName } from './plan.ts';

/** Runs `work`; the log of a refusal is saved, by the program's name, over that of the last time. */
export function savingRefusals<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof VerifierError)) throw error;
    throw withLogFile(error);
  }
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
