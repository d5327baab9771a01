import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NotFoundError } from '../../../../lib/errors.ts';
import { attachKprobeMulti, attachPerfEvent, attachUprobeMulti } from '../../../../kernel/bpf/index.ts';
import { findSymbolOffset } from '../../../../kernel/elf/index.ts';
import { openProbe, readTracing } from '../../../../kernel/perf/index.ts';
import { which } from '../../../../tools/index.ts';
import type { Hook } from '../../../bpf/index.ts';
import { oneLink, type Prepared } from '../prepared.ts';
import type { AttachTarget } from '../target.ts';

const onReturn = ({ name }: Hook): boolean => /^[ku]retprobe/.test(name);

/** A place in a function of the kernel. @throws UnsupportedError on a kernel without kprobes. */
export function prepareKprobe(hook: Hook, { name, offset }: AttachTarget & { kind: 'function' }): Prepared {
  const event = openProbe({ source: 'kprobe', place: name, offset, onReturn: onReturn(hook) });
  return oneLink((program) => attachPerfEvent(program, event), event);
}

/** A place in a program. @throws NotFoundError SL2504 when there is no such file or symbol. */
export function prepareUprobe(hook: Hook, { path, places }: AttachTarget & { kind: 'places' }): Prepared {
  const file = findFile(path);
  const [offset] = findOffsets(file, places);
  const event = openProbe({ source: 'uprobe', place: file, offset: offset!, onReturn: onReturn(hook) });
  return oneLink((program) => attachPerfEvent(program, event), event);
}

/** Several places in a program, with one link. */
export function prepareUprobes(hook: Hook, { path, places }: AttachTarget & { kind: 'places' }): Prepared {
  const file = findFile(path);
  const offsets = findOffsets(file, places);
  return oneLink((program) => attachUprobeMulti(program, file, offsets, { onReturn: onReturn(hook) }));
}

const MACHINE = process.arch === 'arm64' ? 'aarch64' : 'x86_64';
/** Where libraries are, as Debian and others have them. */
const LIBRARIES = [`/lib/${MACHINE}-linux-gnu`, `/usr/lib/${MACHINE}-linux-gnu`, '/lib64', '/usr/lib64', '/lib', '/usr/lib'];

/** A path, or the name of a library (`libc.so.6`) or of a program as a shell finds it. @throws NotFoundError SL2504 */
function findFile(path: string): string {
  const candidates = path.includes('/') ? [path] : [...LIBRARIES.map((directory) => join(directory, path)), which(path) ?? ''];
  const found = candidates.find((candidate) => candidate !== '' && existsSync(candidate));
  if (found === undefined) throw new NotFoundError(`no file ${path}`, { code: 'SL2504', hints: path.includes('/') ? [] : [`it is not in ${LIBRARIES.join(', ')}, and no program`] });
  return found;
}

function findOffsets(path: string, places: (AttachTarget & { kind: 'places' })['places']): bigint[] {
  let bytes: Buffer | undefined;
  return places.map(({ symbol, offset }) => {
    if (symbol === undefined) return offset;
    bytes ??= readFileSync(path);
    const start = findSymbolOffset(bytes, path, symbol);
    if (start === undefined) throw new NotFoundError(`${path} has no symbol ${symbol}`, { code: 'SL2504', hints: [`nm -D ${path}`, `give an offset in the file: ${path}:0x1234`] });
    return start + offset;
  });
}

/** Many functions of the kernel, with one link. @throws NotFoundError SL2504 when none has such a name. */
export function prepareKprobes(hook: Hook, { patterns }: AttachTarget & { kind: 'functions' }): Prepared {
  const functions = patterns.some((pattern) => pattern.includes('*')) ? matchFunctions(patterns) : patterns;
  return oneLink((program) => attachKprobeMulti(program, functions, onReturn(hook)));
}

function matchFunctions(patterns: readonly string[]): string[] {
  const expressions = patterns.map((pattern) => new RegExp(`^${pattern.split('*').map((part) => part.replace(/[^\w]/g, '\\$&')).join('.*')}$`));
  const known = (readTracing('available_filter_functions') ?? '').split('\n').map((line) => line.split(' ')[0]!);
  const found = [...new Set(known.filter((name) => expressions.some((expression) => expression.test(name))))];
  if (found.length === 0) throw new NotFoundError(`no kernel function is called ${patterns.join(' or ')}`, { code: 'SL2504' });
  return found;
}
