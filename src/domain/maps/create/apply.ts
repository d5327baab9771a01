import { join, resolve } from 'node:path';
import { rmSync } from 'node:fs';
import { OperationError, SyscallError, UsageError } from '../../../lib/errors.ts';
import { findMap, takeReference, type Reference } from '../../bpf/index.ts';
import { BpfMap, ensureBpffs, loadSizedTypes, MAP_FLAGS, type MapSpec, mapTypeNumber, mapTypeNames, pin } from '../../../kernel/bpf/index.ts';
import { openMap, refusing } from '../open/inspect.ts';
import { planMap, typeNameOf, type MapRequest } from './plan.ts';

/** A map that was made, pinned or frozen; or would be. */
export interface MapChange {
  action: 'create' | 'pin' | 'freeze';
  /** 0 for one that was only planned. */
  id: number;
  name: string;
  type: string;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  flags: readonly string[];
  pin?: string;
  dryRun: boolean;
}

/**
 * Makes a map and pins it, as it would go with this process otherwise. A dry run of the kernel makes it and lets go.
 *
 * @throws UsageError SL2607 for what does not fit together; OperationError SL2615 when the pin is taken; SL2612 for what the kernel refuses
 */
export function createMap(request: MapRequest, { dryRun }: { dryRun?: 'client' | 'kernel' | undefined } = {}): MapChange {
  const type = mapTypeNumber(request.type);
  if (type === undefined) throw new UsageError(`there is no type of map '${request.type}'`, { code: 'SL2607', hints: [`types: ${mapTypeNames().filter((name) => name !== 'unspec').join(', ')}`] });
  const spec = { ...planMap(request), type, flags: request.flags.reduce((bits, name) => bits | flagBit(name), 0) };
  const path = pinPath(request);
  const change = { action: 'create' as const, id: 0, name: spec.name, type: request.type, keySize: spec.keySize, valueSize: spec.valueSize, maxEntries: spec.maxEntries, flags: request.flags, pin: path };
  if (dryRun === 'client') return { ...change, dryRun: true };
  using inner = request.inner === undefined ? undefined : findMap(takeReference(request.inner.split(/\s+/)).reference);
  using map = made(() => createTyped(spec, inner, request), request.type);
  if (dryRun === 'kernel') return { ...change, dryRun: true };
  pinAt(map, path);
  return { ...change, id: map.info().id, dryRun: false };
}

/** With plain types for keys and values, which storages need; without where the type takes none. */
function createTyped(spec: MapSpec, inner: BpfMap | undefined, { key, value }: MapRequest): BpfMap {
  if (inner !== undefined || spec.keySize === 0 || spec.valueSize === 0) return BpfMap.create(spec, inner === undefined ? {} : { inner });
  const { fd, ids } = loadSizedTypes([{ bytes: spec.keySize, name: typeNameOf(key) }, { bytes: spec.valueSize, name: typeNameOf(value) }]);
  using types = fd;
  try {
    return BpfMap.create(spec, { types: { fd: types, key: ids[0]!, value: ids[1]! } });
  } catch (error) {
    if (!(error instanceof SyscallError) || error.reason === 'permission') throw error;
    return BpfMap.create(spec);
  }
}

/** Below the folder of sluice, unless a path is given. */
function pinPath({ name, pin: path }: Pick<MapRequest, 'name' | 'pin'>): string {
  if (path?.includes('/') === true) return resolve(path);
  return join(ensureBpffs(), 'sluice', 'maps', path ?? name);
}

function flagBit(name: string): number {
  const bit = MAP_FLAGS.get(name) ?? (/^0x[\da-f]+$/i.test(name) ? Number(name) : undefined);
  if (bit === undefined) throw new UsageError(`there is no flag '${name}'`, { code: 'SL2607', hints: [`flags: ${[...MAP_FLAGS.keys()].join(', ')}`] });
  return bit;
}

function made(work: () => BpfMap, type: string): BpfMap {
  try {
    return work();
  } catch (error) {
    if (!(error instanceof SyscallError) || error.reason === 'permission') throw error;
    const reasons: Readonly<Record<string, string>> = { EINVAL: 'sizes, flags or entries are not ones that this type takes', E2BIG: 'it is too large', ENOMEM: 'there is not enough memory', ENOTSUPP: 'the kernel lacks the type' };
    throw new OperationError(`the kernel does not make this ${type}`, { code: 'SL2612', causes: [error.message, ...(reasons[error.errnoName] === undefined ? [] : [reasons[error.errnoName]!])], cause: error });
  }
}

/** @throws OperationError SL2615 */
function pinAt(map: BpfMap, path: string): void {
  try {
    pin(map.fd, path);
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const reasons: Readonly<Record<string, string>> = { EEXIST: 'something is pinned there already', EINVAL: 'it is not in a bpf file system', ENOENT: 'it is not in a bpf file system', EPERM: 'it is not in a bpf file system, or the rights are missing' };
    throw new OperationError(`cannot pin at ${path}`, { code: 'SL2615', reason: error.reason, causes: [error.message, ...(reasons[error.errnoName] === undefined ? [] : [reasons[error.errnoName]!])], hints: ['sluice bpf pin list'], cause: error });
  }
}

/** Pins a map so that it outlives who holds it. @throws OperationError SL2615 */
export function pinMap(reference: Reference, words: readonly string[], { dryRun }: { dryRun?: 'client' | 'kernel' | undefined } = {}): MapChange {
  const [path, ...rest] = words;
  if (path === undefined || rest.length > 0) throw new UsageError('one path is needed, behind the map', { code: 'SL2607', hints: ['sluice bpf map pin 412 /sys/fs/bpf/flows'] });
  const open = openMap(reference);
  try {
    const at = pinPath({ name: path, pin: path });
    if (dryRun !== 'client') pinAt(open.map, at);
    if (dryRun === 'kernel') rmSync(at);
    return { ...facts(open.info, open.type), action: 'pin', pin: at, dryRun: dryRun !== undefined };
  } finally {
    open.map.close();
  }
}

/** Forbids changes from user space for good. @throws OperationError SL2616 where a process has it mapped to write, or the type cannot */
export function freezeMap(reference: Reference, { dryRun = false } = {}): MapChange {
  const open = openMap(reference);
  try {
    if (!dryRun && !refusing(open).frozen) freeze(open.map, open.name);
    return { ...facts(open.info, open.type), action: 'freeze', dryRun };
  } finally {
    open.map.close();
  }
}

function freeze(map: BpfMap, name: string): void {
  try {
    map.freeze();
  } catch (error) {
    if (!(error instanceof SyscallError)) throw error;
    const reasons: Readonly<Record<string, string>> = { EBUSY: 'a process has it mapped to write, or it is frozen already', EOPNOTSUPP: 'its type cannot be frozen', ENOTSUPP: 'its type cannot be frozen' };
    throw new OperationError(`cannot freeze map ${name}`, { code: 'SL2616', reason: error.reason, causes: [error.message, ...(reasons[error.errnoName] === undefined ? [] : [reasons[error.errnoName]!])], cause: error });
  }
}

const facts = ({ id, name, keySize, valueSize, maxEntries }: { id: number; name: string; keySize: number; valueSize: number; maxEntries: number }, type: string) =>
  ({ id, name, type, keySize, valueSize, maxEntries, flags: [] });
