import { SluiceError } from '../lib/errors.ts';
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
export function reportError(error: unknown, options: ReportOptions): number {
  const exitCode = exitCodeOf(error);
  process.stderr.write(`${options.json ? errorJson(error, exitCode) : errorText(error, options)}\n`);
  if (options.debug && error instanceof Error) process.stderr.write(`${error.stack ?? ''}\n${error.cause instanceof Error ? `caused by ${error.cause.stack}\n` : ''}`);
  return exitCode;
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
