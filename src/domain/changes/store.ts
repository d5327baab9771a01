/** Records of changes on disk: whole or not there, also after a power cut. */

import { closeSync, fsyncSync, mkdirSync, openSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { NotFoundError, OperationError, PermissionError, UsageError } from '../../lib/errors.ts';
import type { AppliedRecord, ChangeRecord } from './model.ts';
import { changesDirectory, pathsOf, RESERVED_NAMES, runDirectory, type ChangePaths } from './paths.ts';

const ID = /^c-[0-9a-f]{4}$/;

/** Makes the run directory of a new change: it reserves the id that is returned, which no change has. */
export function reserveId(): string {
  const taken = new Set(listIds());
  ensureDirectory(join(runDirectory(), 'changes'));
  for (let tries = 0; tries < 1000; tries++) {
    const id = `c-${Math.floor(Math.random() * 0x10000).toString(16).padStart(4, '0')}`;
    if (!taken.has(id) && madeDirectory(pathsOf(id).run)) return id;
  }
  throw new OperationError('there is no free change id left', {
    code: 'SL4008',
    hints: [`remove old directories in ${changesDirectory()}`],
  });
}

/** Ids of all stored changes, in no particular order. @throws PermissionError */
export function listIds(): string[] {
  return readdirOrEmpty(changesDirectory()).filter((name) => ID.test(name));
}

/** Ids of changes whose directory exists; false for anything that is not spelled like an id. */
export function isStored(id: string): boolean {
  return ID.test(id) && listIds().includes(id);
}

/**
 * Writes the directory of a new change: record, data files and scripts, each fsynced, then renamed into place at once.
 *
 * @throws UsageError when a data file has a reserved name or one with a slash
 */
export function storeChange(record: ChangeRecord, contents: Readonly<Record<string, string | Uint8Array>>): void {
  const { directory } = pathsOf(record.id);
  const unfinished = unfinishedDirectory(record.id);
  ensureDirectory(dirname(directory));
  mkdirSync(unfinished, { mode: 0o700 });
  for (const [name, content] of Object.entries(contents)) writeSynced(join(unfinished, name), content);
  writeSynced(join(unfinished, 'change.json'), `${JSON.stringify(record, undefined, 2)}\n`);
  syncDirectory(unfinished);
  renameSync(unfinished, directory);
  syncDirectory(dirname(directory));
}

/** Refuses data file names that would leave the directory or overwrite what belongs to the change. @throws UsageError */
export function checkFileName(name: string): void {
  if (name === '' || name !== basename(name) || name.startsWith('.') || RESERVED_NAMES.has(name)) {
    throw new UsageError(`a change cannot store a data file named '${name}'`);
  }
}

/** Removes everything about a change that never came to be. */
export function discardChange(id: string): void {
  const { directory, run } = pathsOf(id);
  for (const path of [run, unfinishedDirectory(id), directory]) rmSync(path, { recursive: true, force: true });
}

/** Makes a directory that only root may use, and those above it. */
export function ensureDirectory(path: string): void {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
  } catch {
    // Node says ENOENT here also for a read-only or full disk; without `recursive` it passes the real reason on.
    mkdirSync(path, { mode: 0o700 });
  }
}

function unfinishedDirectory(id: string): string {
  return join(changesDirectory(), `.${id}.new`);
}

/** The stored record. @throws NotFoundError; OperationError when it cannot be read as one */
export function readRecord(id: string): ChangeRecord {
  const text = ID.test(id) ? readOrUndefined(pathsOf(id).record) : undefined;
  if (text === undefined) throw new NotFoundError(`there is no change '${id}'`, { hints: ['sluice change list'] });
  return parseRecord(pathsOf(id).record, text);
}

/** What `applied()` stored; undefined before. */
export function readApplied(paths: ChangePaths): AppliedRecord | undefined {
  const text = readOrUndefined(paths.applied);
  return text === undefined ? undefined : (JSON.parse(text) as AppliedRecord);
}

/** Stores what came out of applying. */
export function storeApplied(paths: ChangePaths, applied: AppliedRecord): void {
  replaceFile(paths.applied, `${JSON.stringify(applied, undefined, 2)}\n`);
}

/** Stores the state for the time after a restart; the revert script writes the same form. */
export function storeState(paths: ChangePaths, state: string): void {
  replaceFile(paths.state, `${state} ${new Date().toISOString()}\n`);
}

/** The state that was stored last. */
export function readState(paths: ChangePaths): string | undefined {
  return readOrUndefined(paths.state)?.split(/\s/)[0];
}

/** Replaces a file so that a reader, also one after a power cut, sees the old content or the new. */
export function replaceFile(path: string, content: string): void {
  writeSynced(`${path}.new`, content);
  renameSync(`${path}.new`, path);
  syncDirectory(dirname(path));
}

/** Content of a text file; undefined when there is none. @throws PermissionError */
export function readOrUndefined(path: string): string | undefined {
  return absentIsUndefined(path, () => readFileSync(path, 'utf8'));
}

/** Names in a directory; none when it does not exist. @throws PermissionError */
export function readdirOrEmpty(path: string): string[] {
  return absentIsUndefined(path, () => readdirSync(path)) ?? [];
}

function madeDirectory(path: string): boolean {
  try {
    mkdirSync(path, { mode: 0o700 });
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false;
    throw error;
  }
}

function absentIsUndefined<T>(path: string, read: () => T): T | undefined {
  try {
    return read();
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT' || code === 'ENOTDIR') return undefined;
    if (code === 'EACCES' || code === 'EPERM') throw new PermissionError(`${path} may only be read by root`, { cause: error });
    throw error;
  }
}

function parseRecord(path: string, text: string): ChangeRecord {
  try {
    const record = JSON.parse(text) as ChangeRecord;
    if (record.version === 1 && ID.test(record.id) && Array.isArray(record.revertSteps)) return record;
  } catch {
    // Told below, together with a record of another shape.
  }
  throw new OperationError(`${path} is not a record of a change`, {
    code: 'SL4009',
    causes: ['it is damaged, or a newer sluice wrote it'],
    hints: [`sh ${join(dirname(path), 'revert.sh')}`],
  });
}

function writeSynced(path: string, content: string | Uint8Array): void {
  const fd = openSync(path, 'w', 0o600);
  try {
    writeFileSync(fd, content);
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}

function syncDirectory(path: string): void {
  const fd = openSync(path, 'r');
  try {
    fsyncSync(fd);
  } finally {
    closeSync(fd);
  }
}
