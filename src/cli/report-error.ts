import { OperationError, PermissionError, SluiceError, SyscallError } from '../lib/errors.ts';
import { sanitize } from '../lib/text.ts';
import { toJson } from './print/json.ts';
import { exitCodeOf } from './exit-codes.ts';

export interface ReportOptions {
  /** One JSON line instead of text. */
  json: boolean;
  debug: boolean;
  color: boolean;
}

/** Writes an error to standard error in the form of kubectl, and returns the exit code. */
export function reportError(raised: unknown, options: ReportOptions): number {
  const error = explainFileError(raised);
  const exitCode = exitCodeOf(error);
  process.stderr.write(`${options.json ? errorJson(error, exitCode) : errorText(error, options)}\n`);
  if (options.debug && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n${error.cause instanceof Error ? `caused by ${error.cause.stack}\n` : ''}`);
  return exitCode;
}

/** What the file system said no to, which no command expects everywhere it may happen. */
function explainFileError(error: unknown): unknown {
  if (error instanceof SyscallError && error.reason === 'permission' && error.hints.length === 0) return explainRefusal(error);
  const { code, syscall, path } = error as NodeJS.ErrnoException;
  if (!(error instanceof Error) || error instanceof SluiceError || syscall === undefined) return error;
  const facts = { causes: [error.message], cause: error };
  if (code === 'EACCES' || code === 'EPERM') return new PermissionError(`no permission for ${path ?? syscall}`, { ...facts, hints: ['run it as root'] });
  if (code === 'ENOSPC' || code === 'EROFS' || code === 'EDQUOT') return new OperationError(`cannot write ${path ?? ''}`, { ...facts, code: 'SL1103' });
  return error;
}

/** A system call that only some may make. */
function explainRefusal(error: SyscallError): PermissionError {
  const hint = process.getuid?.() === 0 ? 'root alone is not enough here: a capability is taken away, or the kernel is locked down' : 'run it as root';
  return new PermissionError(error.message, { code: error.code, causes: error.causes, hints: [hint], details: error.details, cause: error });
}

function errorText(error: unknown, { color }: ReportOptions): string {
  const word = color ? '\u001b[31merror:\u001b[0m' : 'error:';
  if (!(error instanceof SluiceError)) return `${word} internal error: ${sanitize(messageOf(error))}\n  try:   again with --debug, and report what it prints`;
  return [
    `${word} ${sanitize(error.message)}`,
    ...labelled('cause: ', error.causes),
    ...labelled('try:   ', error.hints),
    `  code:  ${error.code}  (sluice help ${error.code})`,
  ].join('\n');
}

/** The label on the first line, blanks on the others. */
const labelled = (label: string, lines: readonly string[]): string[] =>
  lines.map((line, i) => `  ${i === 0 ? label : ' '.repeat(label.length)}${sanitize(line)}`);

function errorJson(error: unknown, exitCode: number): string {
  const known = error instanceof SluiceError ? error : undefined;
  return toJson({
    apiVersion: 'sluice.dev/v1', kind: 'Error', code: known?.code ?? 'SL0000', reason: known?.reason ?? 'internal',
    message: messageOf(error), causes: known?.causes ?? [], suggestions: known?.hints ?? [], details: known?.details ?? {}, exitCode,
  });
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
