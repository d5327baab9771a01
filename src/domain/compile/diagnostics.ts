/** What clang said about a source file. */

/** One complaint; line and column count from 1. */
export interface Diagnostic {
  file: string;
  line: number;
  column: number;
  severity: 'error' | 'warning';
  message: string;
}

const LINE = /^([^\s:][^:]*):(\d+):(\d+): (fatal error|error|warning): (.*)$/;

/** Reads clang's standard error; lines that show the source are left out. */
export function readDiagnostics(stderr: string): Diagnostic[] {
  return stderr.split('\n').flatMap((text) => {
    const match = LINE.exec(text);
    if (match === null) return [];
    const [, file, line, column, severity, message] = match as unknown as [string, string, string, string, string, string];
    return [{ file, line: Number(line), column: Number(column), severity: severity === 'warning' ? 'warning' as const : 'error' as const, message }];
  });
}

/** As compilers print it. */
export const formatDiagnostic = ({ file, line, column, severity, message }: Diagnostic): string => `${file}:${line}:${column}: ${severity}: ${message}`;
