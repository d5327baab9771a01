import { linkInfo, linkTypeName, mapInfo, mapTypeName, objectIds, openById, programInfo, programTypeName } from '../../../kernel/bpf/index.ts';
import type { Fd } from '../../../kernel/syscalls/index.ts';

/** Something that a user may type for an object, and what to say of it. */
export interface ObjectName {
  value: string;
  text: string;
}

/** Kinds that are completed. */
export type NamedKind = 'program' | 'map' | 'link';

interface Seen {
  id: number;
  name: string;
  type: string;
}

/** Reading names may take so long: a completion that comes late is of no use. */
const BUDGET_MS = 100;

/**
 * References to the objects of a kind: the name where only one has it, else the id. Incomplete where there are more than can be read in
 * a moment; empty without the rights to ask.
 */
export function nameObjects(kind: NamedKind): ObjectName[] {
  const seen: Seen[] = [];
  try {
    for (const end = performance.now() + BUDGET_MS, ids = objectIds(kind); performance.now() < end; ) {
      const { value: id, done } = ids.next();
      if (done === true) break;
      using fd = openById(kind, id);
      if (fd !== undefined) seen.push(DESCRIBE[kind](fd));
    }
  } catch {
    return [];
  }
  return seen.map(({ id, name, type }) => (isUnique(name, seen) ? { value: name, text: `${type}, id ${id}` } : { value: String(id), text: [type, name].filter((part) => part !== '').join(' ') }));
}

const DESCRIBE: Readonly<Record<NamedKind, (fd: Fd) => Seen>> = {
  program: (fd) => {
    const { id, name, type } = programInfo(fd);
    return { id, name, type: programTypeName(type) };
  },
  map: (fd) => {
    const { id, name, type } = mapInfo(fd);
    return { id, name, type: mapTypeName(type) };
  },
  link: (fd) => {
    const { id, type, programId } = linkInfo(fd);
    return { id, name: '', type: `${linkTypeName(type)} link of program ${programId}` };
  },
};

/** A name of digits would be taken for an id. */
const isUnique = (name: string, seen: readonly Seen[]): boolean => name !== '' && !/^\d+$/.test(name) && seen.filter((other) => other.name === name).length === 1;
