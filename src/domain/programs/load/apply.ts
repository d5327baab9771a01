/**
 * Loads an object and pins what it made, as one change.
 *
 * Everything that can fail is done before anything can be seen on the node: the file is checked, maps are made, programs
 * verified. They vanish with their descriptors unless they are pinned, which the change does and undoes.
 */

import { existsSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { NotFoundError, OperationError, UsageError } from '../../../lib/errors.ts';
import {
  bpffsPath, checkObject, ensureBpffs, isBpffs, loadObject, mapTypeName, pin, programTypeName, type BpfMap, type BpfProgram, type CheckedObject, type CheckedProgram,
  type LoadedObject,
} from '../../../kernel/bpf/index.ts';
import { findMap, findProgram, readReference } from '../../bpf/index.ts';
import { beginChange } from '../../changes/index.ts';
import type { Addition, LoadReport, LoadRequest, MapReport, ProgramReport } from './model.ts';
import { objectName, planPins, readPairs, removalOrder, type LoadPins } from './plan.ts';
import { explainRefusals } from './refusal.ts';

/** An object in the kernel, with where its parts are going to be pinned; descriptors close when the load is over. */
export interface Loaded {
  request: LoadRequest;
  checked: CheckedObject;
  object: LoadedObject;
  pins: LoadPins;
  /** Maps that were there before. */
  given: Readonly<Record<string, BpfMap>>;
}

/** What else a load does, such as attaching. */
export interface LoadExtra {
  /** Looks at what was asked for, before anything is loaded. */
  check(programs: readonly CheckedProgram[]): void;
  /** Tries it out on programs that are let go. */
  tryOut(loaded: Loaded): void;
  /** Does it within the change of the load; asked once everything is loaded. */
  add(loaded: Loaded): Addition;
}

const NOTHING: LoadExtra = { check: () => undefined, tryOut: () => undefined, add: () => ({ revertSteps: [], lines: [], apply: () => undefined }) };

/**
 * Loads the programs of an object file, and pins them so that they outlive the command.
 *
 * @throws OperationError SL1102, SL2401…SL2412 for a file that cannot be used; VerifierError; OperationError SL2410 where
 *   something is pinned already. Nothing stays then. SL4001 when pinning failed and was undone.
 */
export async function loadPrograms(request: LoadRequest, extra: LoadExtra = NOTHING): Promise<LoadReport> {
  const bytes = readObject(request.object);
  const constants = readPairs('--const NAME=VALUE', request.constants);
  const given = readPairs('--map NAME=PIN', request.maps);
  const checked = checkObject(bytes, request.object, { ...selection(request), constants });
  checkAsked(request, checked, Object.keys(given));
  extra.check(checked.programs);
  if (request.dryRun === 'client') return describeCheck(request, checked);
  const pins = planPins(request.dryRun === 'kernel' ? bpffsPath() : ensureBpffs(), request.object, request.pinDirectory);
  using maps = openMaps(checked, given, pins);
  using target = request.target === undefined ? undefined : findProgram(readReference(request.target.split(' ')));
  using object = explainRefusals(() => loadObject(bytes, request.object, {
    ...selection(request), constants, maps: maps.byName, ...(target === undefined ? {} : { target }),
    allMaps: request.programs === undefined && request.sections === undefined,
  }));
  const loaded: Loaded = { request, checked, object, pins, given: maps.byName };
  if (request.dryRun === 'kernel') {
    extra.tryOut(loaded);
    return describeLoad(loaded, []);
  }
  const pinnings = planPinnings(loaded);
  checkFree(pins, pinnings);
  const addition = extra.add(loaded);
  try {
    const change = await pinAll(loaded, pinnings, addition);
    const { attached } = addition;
    return { ...describeLoad(loaded, pinnings), ...change, outcome: 'loaded', directory: pins.directory, ...(attached === undefined ? {} : { attached }) };
  } finally {
    addition.close?.();
  }
}

function readObject(path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    throw new OperationError(`cannot read ${path}`, { code: 'SL1102', reason: 'usage', causes: [(error as Error).message], cause: error });
  }
}

const selection = ({ programs, sections }: LoadRequest): { programs?: readonly string[]; sections?: readonly string[] } => ({
  ...(programs === undefined ? {} : { programs }), ...(sections === undefined ? {} : { sections }),
});

/** @throws UsageError when there is nothing to load; NotFoundError for a map that the object does not have. */
function checkAsked({ object }: LoadRequest, { programs, maps }: CheckedObject, given: readonly string[]): void {
  if (programs.length === 0 && maps.length === 0)
    throw new UsageError(`${object} has nothing that is loaded by itself`, { hints: ['name a program of a section that begins with ?: --prog NAME'] });
  const names = maps.map(({ name }) => name);
  const unknown = given.find((name) => !names.includes(name));
  if (unknown !== undefined) throw new NotFoundError(`the object has no map ${unknown}`, { hints: [`it has: ${names.join(', ') || 'no maps'}`] });
}

interface GivenMaps {
  byName: Record<string, BpfMap>;
  [Symbol.dispose](): void;
}

/** Maps that the user names, and those that are shared by name and pinned already. */
function openMaps(checked: CheckedObject, given: Readonly<Record<string, string>>, pins: LoadPins): GivenMaps {
  const byName: Record<string, BpfMap> = {};
  const dispose = (): void => Object.values(byName).forEach((map) => map.close());
  try {
    for (const [name, reference] of Object.entries(given)) byName[name] = findMap(readReference(reference.split(' ')));
    for (const { name, sharedByName } of checked.maps) {
      const path = pins.shared(name);
      if (sharedByName && byName[name] === undefined && existsSync(path)) byName[name] = findMap({ by: 'pin', path });
    }
  } catch (error) {
    dispose();
    throw error;
  }
  return { byName, [Symbol.dispose]: dispose };
}

/** Something that is pinned: `kind` and `name` say what, `name` as the object has it. */
interface Pinning {
  kind: 'program' | 'map';
  name: string;
  path: string;
  fd: BpfProgram['fd'];
}

/** All programs, and the maps that were made but for those of variables, which live as long as their programs. */
function planPinnings({ checked, object, pins, given }: Loaded): Pinning[] {
  const shared = new Set(checked.maps.filter(({ sharedByName }) => sharedByName).map(({ name }) => name));
  const made = [...object.maps].filter(([name]) => !name.startsWith('.') && given[name] === undefined);
  return [
    ...object.programs.map(({ name, program }): Pinning => ({ kind: 'program', name, path: pins.program(name), fd: program.fd })),
    ...made.map(([name, map]): Pinning => ({ kind: 'map', name, path: shared.has(name) ? pins.shared(name) : pins.map(name), fd: map.fd })),
  ];
}

/** Undoing removes every path, so none may be somebody else's. */
function checkFree({ directory }: LoadPins, pinnings: readonly Pinning[]): void {
  const taken = pinnings.filter(({ path }) => existsSync(path));
  if (taken.length > 0)
    throw new OperationError(`${taken[0]!.path} exists already`, {
      code: 'SL2410', reason: 'usage', causes: taken.slice(1, 8).map(({ path }) => path),
      hints: ['pin elsewhere: --pin DIR', 'or take away what was loaded before: sluice change list'],
    });
  for (let folder = directory; folder !== dirname(folder); folder = dirname(folder)) {
    if (!existsSync(folder)) continue;
    if (isBpffs(folder)) return;
    throw new OperationError(`${directory} is not in a bpf file system`, { code: 'SL2301', reason: 'usage', hints: ['pins live below /sys/fs/bpf'] });
  }
}

/** Pins everything within a change, then does what was added to it. */
async function pinAll({ request, object, pins }: Loaded, pinnings: readonly Pinning[], addition: Addition): Promise<{ change: string; revertsAt?: string }> {
  const change = await beginChange({
    kind: `bpf/${objectName(request.object)}`,
    summary: `load ${shortList(object.programs.map(({ name }) => name))} from ${request.object}`,
    argv: request.argv,
    ...(request.netns === undefined ? {} : { netns: request.netns }),
    ...(request.confirmWithinMs === undefined ? {} : { confirmWithinMs: request.confirmWithinMs }),
    files: {},
    revertSteps: [...addition.revertSteps, { title: 'remove the pins, and so what they hold', remove: removalOrder(pins, pinnings.map(({ path }) => path)) }],
    diff: { before: '', after: [...pinnings.map(({ kind, name, path }) => `${kind} ${name}  ${path}`), ...addition.lines, ''].join('\n') },
  });
  try {
    for (const { fd, path } of pinnings) pin(fd, path);
    await addition.apply();
  } catch (error) {
    return await change.fail(error);
  }
  const { record, revertsAt } = await change.applied();
  return { change: record.id, ...(revertsAt === undefined ? {} : { revertsAt }) };
}

/** All of a few names, the number of many. */
const shortList = (names: readonly string[]): string => (names.length === 0 || names.length > 4 ? `${names.length} programs` : names.join(', '));

function describeCheck({ object }: LoadRequest, { license, needs, relocations, programs, maps }: CheckedObject): LoadReport {
  return {
    object, license, outcome: 'checked', needs, relocations,
    programs: programs.map(({ name, section, kind, instructions }) => ({ name, section, type: programTypeName(kind.type), instructions })),
    maps: maps.map(({ name, type, keySize, valueSize, maxEntries }) => ({ name, type: mapTypeName(type), keySize, valueSize, maxEntries, reused: false })),
  };
}

/** With what the kernel made of it. */
function describeLoad({ request, checked, object, given }: Loaded, pinnings: readonly Pinning[]): LoadReport {
  const paths = new Map(pinnings.map(({ kind, name, path }) => [`${kind} ${name}`, path]));
  const pinOf = (kind: Pinning['kind'], name: string): { pin?: string } => {
    const path = paths.get(`${kind} ${name}`);
    return path === undefined ? {} : { pin: path };
  };
  const plain = describeCheck(request, checked);
  return {
    ...plain,
    outcome: 'verified',
    programs: object.programs.map(({ name, program }): ProgramReport => {
      const { id, tag, verifiedInstructions } = program.info();
      return { ...plain.programs.find((one) => one.name === name)!, id, tag, verifiedInstructions, ...pinOf('program', name) };
    }),
    maps: [...object.maps].map(([name, map]): MapReport => {
      const { id, type, keySize, valueSize, maxEntries } = map.info();
      return { name, type: mapTypeName(type), keySize, valueSize, maxEntries, id, ...pinOf('map', name), reused: given[name] !== undefined };
    }),
  };
}
