import { readFileSync, statSync } from 'node:fs';
import { resolve } from 'node:path';
import { NotFoundError, OperationError, UsageError } from '../../lib/errors.ts';
import { btfSummary, type BtfSummary, isBpffs, mapInfo, objectKind, openPin, parseBtf, programInfo, readBtfObject } from '../../kernel/bpf/index.ts';
import { Btf, describeType, dumpC, formatType, kernelBtf, type TypeDescription } from '../../kernel/btf/index.ts';
import { readElf } from '../../kernel/elf/index.ts';
import type { Fd } from '../../kernel/syscalls/index.ts';
import { findObject, readAll, readReference, type Reference } from '../bpf/index.ts';

/** A BTF object in the kernel, and what uses it. */
export interface BtfListing extends BtfSummary {
  programs: number[];
  maps: number[];
}

/** All BTF objects, by id. @throws SyscallError EPERM without CAP_SYS_ADMIN. */
export function listBtf(): { items: BtfListing[]; complete: boolean; warnings: string[] } {
  const [programs, maps] = [[...readAll('program', programInfo)], [...readAll('map', mapInfo)]];
  const usersOf = (users: readonly { id: number; btfId: number }[], id: number): number[] => users.filter(({ btfId }) => btfId === id).map((user) => user.id);
  const items = [...readAll('btf', btfSummary)].map((summary) => ({ ...summary, programs: usersOf(programs, summary.id), maps: usersOf(maps, summary.id) }));
  return { items, complete: true, warnings: [] };
}

/** The types of one blob, in the form that is asked for. */
export interface BtfDump {
  source: string;
  /** A C header. */
  header(): string;
  /** A line for each type and member, as bpftool prints them; in pieces, as all of the kernel's are 12 MB. */
  lines(): Generator<string>;
  types(): TypeDescription[];
}

const LINES = 4096;

/**
 * Reads types by `vmlinux`, the name of a module, the id of a BTF object, a file (`file PATH`), or what uses them: a program
 * (`prog REF`), a map (`map REF`) or its pin.
 *
 * @param base file with the types that those of a split file stand on
 * @throws NotFoundError SL2450 for a program or map without types, SL2550 for what does not exist; OperationError SL2401 or
 *   SL2402 for a damaged file.
 */
export function dumpBtf(words: readonly unknown[], base?: string): BtfDump {
  const btf = readBtf(words.map(String), base);
  return {
    source: btf.source,
    header: () => dumpC(btf),
    lines: () => formatAll(btf),
    types: () => Array.from({ length: btf.count - btf.firstId }, (_, i) => describeType(btf, btf.type(btf.firstId + i))),
  };
}

function* formatAll(btf: Btf): Generator<string> {
  for (let first = btf.firstId; first < btf.count; first += LINES) {
    const count = Math.min(LINES, btf.count - first);
    yield Array.from({ length: count }, (_, i) => `${formatType(btf, btf.type(first + i))}\n`).join('');
  }
}

function readBtf(words: readonly string[], base: string | undefined): Btf {
  const [first = '', ...rest] = words;
  if (first === 'file' && rest.length === 1) return readFile(rest[0]!, base);
  if ((first === 'prog' || first === 'map') && rest.length > 0) return ofUser(first === 'prog' ? 'program' : 'map', readReference(rest));
  if (words.length === 1 && isFile(first)) return readFile(first, base);
  const reference = readReference(words);
  if (reference.by === 'pin') return ofPin(reference);
  return reference.by === 'word' ? ofWord(reference) : ofObject(reference);
}

/** A file outside of bpf file systems, whose files are pins. */
const isFile = (path: string): boolean => /[/.]/.test(path) && !isBpffs(path) && statSync(path, { throwIfNoEntry: false })?.isFile() === true;

function ofObject(reference: Reference): Btf {
  using fd = findObject('btf', reference);
  return load(btfSummary(fd).id, 'BTF object');
}

function ofUser(kind: 'program' | 'map', reference: Reference): Btf {
  using fd = findObject(kind, reference);
  return ofDescriptor(kind, fd);
}

function ofDescriptor(kind: 'program' | 'map', fd: Fd): Btf {
  const { btfId, name, id } = kind === 'program' ? programInfo(fd) : mapInfo(fd);
  return load(btfId, `${kind} ${name === '' ? id : name}`);
}

function ofPin(reference: { by: 'pin'; path: string }): Btf {
  using fd = openPin(resolve(reference.path));
  const kind = fd === undefined ? undefined : objectKind(fd);
  return ofUser(kind === 'map' ? 'map' : 'program', reference);
}

/** A name: of a BTF object, else of a program, else of a map. */
function ofWord(reference: Reference): Btf {
  for (const read of [ofObject, (word: Reference) => ofUser('program', word), (word: Reference) => ofUser('map', word)])
    try {
      return read(reference);
    } catch (error) {
      if (!(error instanceof NotFoundError) || error.code !== 'SL2550') throw error;
    }
  return ofObject(reference);
}

function load(id: number, what: string): Btf {
  const object = id === 0 ? undefined : readBtfObject(id);
  if (object !== undefined) return parseBtf(object);
  throw new NotFoundError(`${what} has no BTF`, { code: 'SL2450', hints: ['compile with -g', 'sluice bpf btf list'] });
}

/** An object with `.BTF`, or BTF alone, as /sys/kernel/btf has it. */
function readFile(path: string, base: string | undefined): Btf {
  const bytes = readBytes(path);
  if (bytes.readUInt32BE(0) !== 0x7f454c46) return new Btf(bytes, path, baseOf(path, base));
  const section = readElf(bytes, path).sections.find(({ name }) => name === '.BTF');
  if (section === undefined) throw new NotFoundError(`${path} has no BTF`, { code: 'SL2450', hints: ['compile with -g'] });
  return new Btf(section.data, path, baseOf(path, base));
}

/** What a module's types in sysfs stand on, unless another base is given. */
function baseOf(path: string, base: string | undefined): Btf | undefined {
  if (base !== undefined) return readFile(base, undefined);
  return /^\/sys\/kernel\/btf\/(?!vmlinux$)/.test(resolve(path)) ? kernelBtf() : undefined;
}

function readBytes(path: string): Buffer {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (error) {
    throw new UsageError(`cannot read ${path}`, { code: 'SL1102', causes: [(error as Error).message], cause: error });
  }
  if (bytes.length >= 24) return bytes;
  throw new OperationError(`${path}: neither an object nor BTF: it has ${bytes.length} bytes`, { code: 'SL2402', reason: 'usage' });
}
