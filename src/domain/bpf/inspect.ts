import { resolve } from 'node:path';
import { NotFoundError, OperationError, UsageError } from '../../lib/errors.ts';
import {
  BpfMap, BpfProgram, btfSummary, linkInfo, mapInfo, objectKind, openById, openPin, parseBtf, programFunction, programInfo, readBtfObject, type ObjectKind,
} from '../../kernel/bpf/index.ts';
import type { Btf } from '../../kernel/btf/index.ts';
import type { Fd } from '../../kernel/syscalls/index.ts';
import { readAll } from './holders/inspect.ts';
import { describeReference, matches, MAX_NAME, type Identity, type NamedReference, type Reference } from './reference.ts';

/** Finds a program, which the caller closes. @throws see `findObject` */
export const findProgram = (reference: Reference): BpfProgram => BpfProgram.adopt(findObject('program', reference));

/** Finds a map, which the caller closes. @throws see `findObject` */
export const findMap = (reference: Reference): BpfMap => BpfMap.adopt(findObject('map', reference));

const WORDS: Readonly<Record<ObjectKind, { noun: string; list: string; identify: (fd: Fd) => Identity }>> = {
  program: { noun: 'program', list: 'sluice bpf prog list', identify: identifyProgram },
  map: { noun: 'map', list: 'sluice bpf map list', identify: mapInfo },
  link: { noun: 'link', list: 'sluice bpf link list', identify: identifyLink },
  btf: { noun: 'BTF object', list: 'sluice bpf btf list', identify: btfSummary },
};

/**
 * Opens the object that a reference means; the caller closes it. A link goes by the name and tag of its program.
 *
 * @throws NotFoundError SL2550; UsageError SL2551 with all candidates where several answer to the name; OperationError SL2553
 *   for a pin of another kind; SyscallError EPERM without the rights.
 */
export function findObject(kind: ObjectKind, reference: Reference): Fd {
  if (reference.by === 'pin') return openPinned(kind, reference.path);
  const fd = reference.by === 'id' ? openById(kind, reference.id) : findNamed(kind, reference);
  if (fd === undefined) throw notFound(kind, describeReference(reference));
  return fd;
}

function openPinned(kind: ObjectKind, path: string): Fd {
  const fd = openPin(resolve(path));
  if (fd === undefined) throw notFound(kind, path, ['sluice bpf pin list']);
  const found = objectKind(fd);
  if (found === kind) return fd;
  fd.close();
  const { noun } = WORDS[kind];
  throw new OperationError(`${path} is no ${noun}`, {
    code: 'SL2553', reason: 'usage', causes: [`a ${found === undefined ? 'thing of another kind' : WORDS[found].noun} is pinned there`], hints: [WORDS[kind].list],
  });
}

function findNamed(kind: ObjectKind, reference: NamedReference): Fd | undefined {
  const found = [...readAll(kind, WORDS[kind].identify)].filter((identity) => matches(identity, reference));
  if (found.length > 1) throw ambiguous(kind, describeReference(reference), found);
  return found[0] === undefined ? undefined : openById(kind, found[0].id);
}

function identifyProgram(fd: Fd): Identity {
  const { id, name, tag } = programInfo(fd);
  return { id, name, tag, fullName: name.length < MAX_NAME ? undefined : programFunction(fd, openBtf) };
}

function identifyLink(fd: Fd): Identity {
  const { id, programId } = linkInfo(fd);
  using program = programId === 0 ? undefined : openById('program', programId);
  return program === undefined ? { id, name: '' } : { ...identifyProgram(program), id };
}

/** The types of a BTF object by its id; undefined when it is gone. */
export function openBtf(id: number): Btf | undefined {
  const object = readBtfObject(id);
  return object === undefined ? undefined : parseBtf(object);
}

const notFound = (kind: ObjectKind, what: string, hints: readonly string[] = []): NotFoundError =>
  new NotFoundError(`no ${WORDS[kind].noun} ${what}`, { code: 'SL2550', hints: [...hints, WORDS[kind].list] });

function ambiguous(kind: ObjectKind, what: string, found: readonly Identity[]): UsageError {
  return new UsageError(`${found.length} ${WORDS[kind].noun}s answer to ${what}`, {
    code: 'SL2551',
    causes: found.map(({ id, name, tag, fullName }) => [`id ${id}`, fullName ?? name, ...(tag === undefined ? [] : [`tag ${tag}`])].join('  ')),
    hints: [`name one by its id: id ${found.at(-1)!.id}`],
    details: { ids: found.map(({ id }) => id) },
  });
}
