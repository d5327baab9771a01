import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { OperationError, ParseError, UsageError } from '../../lib/errors.ts';
import { KERNEL_BTF, kernelBtf, Kind } from '../../kernel/btf/index.ts';
import { readElf, STT_FUNC, STT_OBJECT } from '../../kernel/elf/index.ts';
import { clangVersion, runClang } from '../../tools/index.ts';
import { formatDiagnostic, readDiagnostics, type Diagnostic } from './diagnostics.ts';
import { provideHeader } from './header/apply.ts';
import { missingIncludes } from './includes.ts';

export interface CompileRequest {
  source: string;
  /** @default the source's name with .o for .c, in the current folder, as compilers do it */
  object?: string;
  includes?: readonly string[];
  defines?: readonly string[];
  /** Instruction set: v1, v2, v3 (Linux 5.1) or v4 (6.6). @default v3 */
  cpu?: string;
}

/** What was made. */
export interface Compilation {
  source: string;
  object: string;
  compiler: string;
  programs: { name: string; section: string }[];
  maps: string[];
  warnings: string[];
}

/** Lines of the compiler that an error shows. */
const SHOWN_LINES = 24;
const MACHINES: Readonly<Record<string, { folder: string; macro: string; target: string }>> = {
  x64: { folder: 'x86_64', macro: '__x86_64__', target: '__TARGET_ARCH_x86' },
  arm64: { folder: 'aarch64', macro: '__aarch64__', target: '__TARGET_ARCH_arm64' },
};

/**
 * Compiles C for the kernel, with type information.
 *
 * The program may include vmlinux.h, which is made from the running kernel's types, and libbpf's headers.
 *
 * @throws ParseError SL2451 with everything that the compiler said, and which #include is missing; UnsupportedError SL2201
 *   without clang.
 */
export async function compile(request: CompileRequest): Promise<Compilation> {
  const { source } = request;
  const text = readSource(source);
  const object = request.object ?? `${basename(source).replace(/\.c$/, '')}.o`;
  if (object === source) throw new UsageError('the object would overwrite its source', { hints: ['--out FILE.o'] });
  const { stderr, exitCode } = await runWithHeader(request, object);
  const diagnostics = readDiagnostics(stderr);
  if (exitCode !== 0) throw explain(source, text, stderr, diagnostics);
  return { source, object, compiler: await clangVersion(), ...readContents(object), warnings: diagnostics.map(formatDiagnostic) };
}

/** With vmlinux.h from the cache, or where none may be used from a folder that is gone afterwards. */
async function runWithHeader({ source, includes = [], defines = [], cpu = 'v3' }: CompileRequest, object: string): Promise<{ stderr: string; exitCode: number }> {
  const spare = mkdtempSync(join(tmpdir(), 'sluice-compile-'));
  try {
    const header = existsSync(KERNEL_BTF) ? [provideHeader(spare)] : [];
    const machine = MACHINES[process.arch];
    return await runClang({
      source, object, cpu,
      // With -target bpf clang does not look where Debian keeps <asm/*.h> of the machine.
      includes: [...includes, ...header, ...(machine === undefined ? [] : [`/usr/include/${machine.folder}-linux-gnu`])],
      // Headers of the C library and the kernel ask which machine they are for.
      defines: [...(machine === undefined ? [] : [machine.macro, machine.target]), ...defines],
    });
  } finally {
    rmSync(spare, { recursive: true, force: true });
  }
}

function readSource(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch (error) {
    throw new UsageError(`cannot read ${path}`, { code: 'SL1102', causes: [(error as Error).message], cause: error });
  }
}

function explain(source: string, text: string, stderr: string, diagnostics: readonly Diagnostic[]): Error {
  const said = stderr.trimEnd().split('\n').slice(0, SHOWN_LINES);
  const first = diagnostics.find(({ severity }) => severity === 'error');
  if (first === undefined) return new OperationError(`${source} was not compiled: ${said[0] ?? ''}`, { code: 'SL2451', causes: said });
  return new ParseError(first.file, first.line, first.column, first.message, {
    code: 'SL2451', causes: said, hints: missingIncludes(diagnostics, { file: source, source: text, isKernelType }), details: { diagnostics },
  });
}

function isKernelType(name: string): boolean {
  if (!existsSync(KERNEL_BTF)) return false;
  return [Kind.STRUCT, Kind.UNION, Kind.ENUM, Kind.ENUM64, Kind.TYPEDEF].some((kind) => kernelBtf().find(name, kind).length > 0);
}

/** Programs and maps in the object, by the sections that they stand in. */
function readContents(path: string): Pick<Compilation, 'programs' | 'maps'> {
  const { symbols, sections } = readElf(readFileSync(path), path);
  const named = (type: number) => symbols.filter((symbol) => symbol.type === type && symbol.name !== '').map(({ name, section }) => ({ name, section: sections[section]?.name ?? '' }));
  return {
    programs: named(STT_FUNC).filter(({ section }) => section !== '' && section !== '.text'),
    maps: named(STT_OBJECT).filter(({ section }) => section === '.maps').map(({ name }) => name),
  };
}
