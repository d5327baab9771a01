import { readFileSync } from 'node:fs';
import { NotFoundError, OperationError, SyscallError, UsageError } from '../../../lib/errors.ts';
import { findObject, takeReference } from '../../bpf/index.ts';
import { indexKey } from '../../../kernel/bpf/index.ts';
import { copyDescriptor, Fd, openProcess } from '../../../kernel/syscalls/index.ts';
import { show } from '../dump/entry.ts';
import { encodeText } from '../layout/encode.ts';

import type { MapEntry } from '../model.ts';
import { openMap, refusing, type OpenMap } from '../open/inspect.ts';
import { checkVerb, explainRefusal } from '../refuse.ts';
import type { KeyKind, ValueKind } from '../types.ts';
import { splitEntry } from './words.ts';

/** Bytes for the kernel, and the descriptor behind them where they are its number; closed once the kernel has it. */
export interface Operand {
  bytes: Buffer;
  fd?: Fd;
}

/** What a lookup found. A bloom filter answers yes or no. */
export interface Found {
  map: { id: number; name: string; type: string };
  entry: MapEntry;
  /** Only for a bloom filter. */
  contained?: boolean;
}

/**
 * Looks one entry up. `words` are the map and the key; for a queue or stack nothing more, for a bloom filter the value.
 *
 * @throws NotFoundError SL2614 where there is none; OperationError SL2601; UsageError SL2605, SL2606
 */
export function lookupEntry(words: readonly unknown[], as?: string): Found {
  const { reference, rest } = takeReference(words);
  const open = openMap(reference, as);
  try {
    checkVerb(`map ${open.name}`, open.type, 'lookup');
    return open.type === 'bloom_filter' ? askFilter(open, rest) : lookupKey(open, rest);
  } finally {
    open.map.close();
  }
}

function askFilter(open: OpenMap, words: readonly string[]): Found {
  const { value } = splitEntry(words, { hasKey: false, hasValue: true });
  const bytes = encodeText(open.layout.value, value!, 'value');
  return { map: summaryOf(open), entry: { value: show(open.layout.value, bytes, 0) }, contained: open.map.mayHave(bytes) };
}

function lookupKey(open: OpenMap, words: readonly string[]): Found {
  if (open.layout.key === undefined) splitEntry(words, { hasKey: false, hasValue: false });
  const key = open.layout.key === undefined ? undefined : splitEntry(words, { hasKey: true, hasValue: false }).key!;
  const operand = keyOperand(open, key);
  try {
    const value = readValue(open, operand.bytes);
    if (value !== undefined) return { map: summaryOf(open), entry: entryOf(open, operand, key, value) };
    if (open.layout.key === undefined) throw new NotFoundError(`${open.type} ${open.name} is empty`, { code: 'SL2614' });
    throw new NotFoundError(`map ${open.name} has no entry ${key}`, { code: 'SL2614', hints: [`sluice bpf map dump ${open.info.id}`] });
  } finally {
    operand.fd?.close();
  }
}

/** The value, or undefined; what the kernel refuses is said in words about the map. */
function readValue(open: OpenMap, key: Buffer): Buffer | undefined {
  try {
    return open.map.lookup(key);
  } catch (error) {
    if (open.traits.value === 'socket' && error instanceof SyscallError && error.errnoName === 'ENOSPC')
      throw new OperationError(`map ${open.name} does not tell its sockets: its values have ${open.info.valueSize} bytes`, { code: 'SL2601', reason: 'unsupported', causes: ['the kernel gives out cookies of 8 bytes'], cause: error });
    throw explainRefusal(error, refusing(open));
  }
}

/** An entry as it is shown. Where a descriptor stood for the key, so does what the user wrote. */
export function entryOf(open: OpenMap, key: Operand, typed: string | undefined, value: Buffer): MapEntry {
  const { layout } = open;
  const shownKey = layout.key === undefined ? {} : { key: key.fd === undefined ? show(layout.key, key.bytes, 0) : { hex: '', decoded: typed!, display: typed! } };
  if (layout.perCpu === undefined) return { ...shownKey, value: show(layout.value, value, 0) };
  const { count, stride } = layout.perCpu;
  return { ...shownKey, values: Array.from({ length: count }, (_, cpu) => ({ cpu, value: show(layout.value, value, cpu * stride) })) };
}

/** Map facts for results. */
export const summaryOf = ({ info, type }: OpenMap): { id: number; name: string; type: string } => ({ id: info.id, name: info.name, type });

/** Bytes of a key, or the descriptor of what it stands for. @throws UsageError SL2605 */
export function keyOperand({ layout, traits, info }: OpenMap, typed: string | undefined): Operand {
  if (layout.key === undefined) return { bytes: Buffer.alloc(info.keySize) };
  return traits.key === 'bytes' || traits.key === 'none' ? { bytes: encodeText(layout.key, typed!, 'key') } : descriptorOperand(traits.key, typed!, info.keySize, 'key');
}

/** Bytes of a value, or the descriptor of the object that goes in. @throws UsageError SL2605; NotFoundError for objects that are not there */
export function valueOperand({ layout, traits, info }: OpenMap, typed: string): Operand {
  if (traits.value === 'device') return { bytes: encodeText(layout.value, /^\d|=|^[[{]|^hex/.test(typed) ? typed : deviceIndex(typed), 'value') };
  if (traits.value === 'bytes' || traits.value === 'cpu-queue' || traits.value === 'stack') return { bytes: encodeText(layout.value, typed, 'value') };
  return descriptorOperand(traits.value, typed, info.valueSize, 'value');
}

function descriptorOperand(kind: Exclude<KeyKind | ValueKind, 'bytes'>, typed: string, size: number, what: string): Operand {
  const fd = openOperand(kind, typed, what);
  return { bytes: Buffer.concat([indexKey(fd.number), Buffer.alloc(Math.max(0, size - 4))]), fd };
}

function openOperand(kind: Exclude<KeyKind | ValueKind, 'bytes'>, typed: string, what: string): Fd {
  if (kind === 'program' || kind === 'map') return findObject(kind, takeReference(typed.split(/\s+/)).reference);
  if (kind === 'inode' || kind === 'cgroup') return Fd.open(typed.replace(/^(inode|cgroup):/, ''));
  const [, pid, fd] = /^(?:task:|pid:|socket:)?(\d+)(?:\/(\d+))?$/.exec(typed) ?? [];
  if (kind === 'task' && pid !== undefined && fd === undefined) return openProcess(Number(pid));
  if (kind === 'socket' && fd !== undefined) return copyDescriptor(Number(pid), Number(fd));
  throw new UsageError(`${what} cannot be '${typed}'`, { code: 'SL2605', hints: [kind === 'task' ? 'name a task by its PID' : 'name a socket by a process and its descriptor: PID/FD'] });
}

/** The number of an interface, in the network namespace of this process. */
function deviceIndex(name: string): string {
  try {
    return readFileSync(`/sys/class/net/${name.replaceAll('/', '')}/ifindex`, 'latin1').trim();
  } catch {
    throw new NotFoundError(`there is no interface ${name}`, { code: 'SL2605', hints: ['sluice link list'] });
  }
}

