import { need, which } from './which.ts';
import { run, type RunResult } from './run.ts';

/** What clang is to make of one file of C for the bpf target. */
export interface ClangRequest {
  source: string;
  object: string;
  /** Folders for `#include`, in the order in which they are searched. */
  includes: readonly string[];
  /** `NAME` or `NAME=VALUE`. */
  defines: readonly string[];
  /** `v1` to `v4`: which instructions may be used. */
  cpu: string;
}

/** Plain `clang` is the distribution's choice; only numbered ones may be there as well. */
const CLANGS = ['clang', 'clang-21', 'clang-20', 'clang-19', 'clang-18', 'clang-17', 'clang-16', 'clang-15', 'clang-14', 'clang-13', 'clang-12'];

/** Absolute path of a clang. @throws UnsupportedError SL2201 when there is none. */
export const needClang = (): string => CLANGS.map(which).find((path) => path !== undefined) ?? need('clang');

/** Compiles with debug information, of which BTF is made; errors are in the result. @man clang(1) */
export function runClang({ source, object, includes, defines, cpu }: ClangRequest): Promise<RunResult> {
  return run([
    needClang(), '-target', 'bpf', `-mcpu=${cpu}`, '-O2', '-g', '-Wall',
    // A function that nobody declared would become an external one, which no kernel has.
    '-Werror=implicit-function-declaration', '-fno-color-diagnostics', '-ferror-limit=20',
    ...includes.map((folder) => `-I${folder}`), ...defines.map((define) => `-D${define}`), '-c', source, '-o', object,
  ], { allowFailure: true });
}

/** `Debian clang version 14.0.6`. */
export const clangVersion = async (): Promise<string> => (await run([needClang(), '--version'])).stdout.split('\n')[0]!;
