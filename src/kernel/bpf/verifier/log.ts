/**
 * The verifier's log, read backwards from the end: why it refused a program, at which instruction and line of C, and what it
 * knew of the registers there.
 *
 *   ; return *value; @ drop.bpf.c:67                    the line that the next instructions are made of; the place since 6.7
 *   7: (61) r0 = *(u32 *)(r0 +0)        ; R0=scalar()   an instruction, and what it left
 *   R0 invalid mem access 'map_value_or_null'           the reason
 *   processed 8 insns (limit 1000000) …                 figures
 *
 * Since Linux 7.3 a block of paragraphs `Verification failed`, `Reason`, `At` and `Suggestion` comes with it.
 *
 * @kernel verbose_linfo, print_verifier_state, print_bpf_insn; bpf_diag_report_*
 */

import { VerifierError, type Refusal } from '../../../lib/errors.ts';
import { adviceFor } from './advice.ts';
import { readReport } from './report.ts';

/** The error for a refused program. `lineOf` knows the line of C by an instruction's number, for kernels that do not tell the place. */
export function explainLog(program: string, errnoName: string, log: string, lineOf: LineOf = () => undefined): VerifierError {
  const refusal = readLog(log);
  const known = refusal.source?.place === undefined && refusal.instruction !== undefined ? lineOf(refusal.instruction) : undefined;
  return new VerifierError(program, errnoName, log, { ...refusal, ...(known === undefined ? {} : { source: known }) });
}

/** Gives the line of C of an instruction by its number, undefined where it is not known. */
export type LineOf = (instruction: number) => Refusal['source'];

/** What the log says. */
export function readLog(log: string): Refusal {
  const lines = log.split('\n').map((line) => line.trimEnd());
  const at = lines.findLastIndex((line) => INSTRUCTION.test(line));
  const report = readReport(lines);
  const reasons = report?.reasons ?? reasonsIn(at < 0 ? lines : lines.slice(at + 1));
  const instruction = at < 0 ? undefined : readInstruction(lines[at]!);
  const source = report?.source ?? sourceBefore(lines, at);
  const registers = at < 0 ? {} : registersAt(lines.slice(0, at + 1), instruction?.code ?? '', reasons);
  return {
    reasons, advice: [...(report?.advice ?? []), ...adviceFor(reasons.join('\n'))].slice(0, 2), registers,
    ...(instruction === undefined ? {} : instruction), ...(source === undefined ? {} : { source }),
  };
}

const INSTRUCTION = /^(\d+): \([0-9a-f]{2}\) /;
/** Between instructions and in front of the reason, in every log. */
const NOISE = new RegExp(`^(${[
  '; ', '\\s*$', 'processed \\d+ insns', 'verification time', 'stack depth', 'max_states', 'mark_precise', '(cur|old) state:', '(from \\d+ to )?\\d+: (frame\\d+: )?R\\d',
  'arg#\\d+ reference type', 'Validating ', '[Ff]unc#', 'Live regs',
].join('|')})`);

function reasonsIn(lines: readonly string[]): string[] {
  // A line of C may stand behind an instruction, on the same line.
  return [...new Set(lines.filter((line) => !NOISE.test(line)))].slice(-4);
}

function readInstruction(line: string): { instruction: number; code: string } {
  const [, number = '0', code = ''] = /^(\d+): (\([0-9a-f]{2}\) .*?)(?:\s+;.*|\s+\d+: .*)?$/.exec(line) ?? [];
  return { instruction: Number(number), code };
}

/** `; C text @ file:line` in front of an instruction; without the place on older kernels. */
function sourceBefore(lines: readonly string[], at: number): Refusal['source'] {
  if (at < 0) return undefined;
  const line = lines.slice(0, at).findLast((candidate) => candidate.startsWith('; ') && !/^; {2}@/.test(candidate));
  const [, text = '', place] = /^; (.*?)(?: @ (\S+:\d+))?$/.exec(line ?? '') ?? [];
  return text.trim() === '' ? undefined : { text: text.trim(), ...(place === undefined ? {} : { place }) };
}

/** The state of the registers that the texts name, as it was last printed on this path. */
function registersAt(lines: readonly string[], code: string, reasons: readonly string[]): Record<string, string> {
  const known = new Map<string, string>();
  for (const line of lines.slice(pathStart(lines))) for (const [, register, value] of line.matchAll(STATE)) known.set(register!, value!);
  // What a register held that is only written does not matter.
  const read = code.replace(/^\(\w+\) [rw]\d = /, '');
  const named = [read, ...reasons].flatMap((text) => [...text.matchAll(/\b[rw](\d)\b/gi)].map(([, number]) => `R${number}`));
  return Object.fromEntries([...known].filter(([register]) => named.includes(register)));
}

/** `R1_w=scalar(smin=0,var_off=(0x0; 0xff))` */
const STATE = /\b(R\d+)(?:_[rw]+)?=([^\s(]+(?:\((?:[^()]|\([^()]*\))*\))?)/g;

/** Where the path that was followed last begins: there all registers are printed. */
const pathStart = (lines: readonly string[]): number => Math.max(0, lines.findLastIndex((line) => /^from \d+ to \d+: /.test(line)));
