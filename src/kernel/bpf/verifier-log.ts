import { VerifierError } from '../../lib/errors.ts';

/**
 * The error for a refused program, from the verifier's log: which instruction, which line of C, and why.
 *
 * @kernel verbose_linfo, verbose_insn: `; C source @ file:line` stands before the instructions made of it, without the
 *   place on older kernels.
 */
export function explainLog(program: string, errnoName: string, log: string): VerifierError {
  const lines = log.split('\n');
  const source = lines.findLast((line) => line.startsWith('; '))?.slice(2).trim().replace(/^(.*) @ (\S+:\d+)$/, '$2 ($1)');
  const instruction = lines.map((line) => /^(\d+): \(/.exec(line)?.[1]).findLast((number) => number !== undefined);
  return new VerifierError(program, errnoName, log, {
    ...(source === undefined ? {} : { source }),
    ...(instruction === undefined ? {} : { instruction: Number(instruction) }),
  });
}
