import { NotFoundError, SyscallError, UsageError } from '../../../lib/errors.ts';
import { takeReference } from '../../bpf/index.ts';
import { bpf as uapi } from '../../../kernel/uapi/index.ts';
import type { MapEntry } from '../model.ts';
import { openMap, refusing, type OpenMap } from '../open/inspect.ts';
import { checkVerb, explainRefusal } from '../refuse.ts';
import { entryOf, keyOperand, summaryOf, valueOperand, type Operand } from './inspect.ts';
import { splitEntry } from './words.ts';

/** What was changed, or would be. */
export interface EntryChange {
  map: { id: number; name: string; type: string };
  action: 'set' | 'delete' | 'push' | 'pop';
  entry: MapEntry;
  /** What the entry was before; absent where there was none, or it cannot be read. */
  previous?: MapEntry;
  dryRun: boolean;
}

export interface SetRequest {
  as?: string | undefined;
  /** Only when the entry is there, or only when it is not. */
  when?: 'present' | 'absent' | undefined;
  /** Of a per-CPU type only this CPU's value; all of them otherwise. */
  cpu?: number | undefined;
  dryRun?: boolean;
}

/**
 * Sets one entry; `words` are the map, the key and the value. A queue or stack gets the value put on, a bloom filter put in.
 *
 * @throws OperationError SL2601, SL2610 frozen, SL2611 full, SL2612; NotFoundError SL2614; UsageError SL2605, SL2606, SL2607
 */
export function setEntry(words: readonly unknown[], request: SetRequest = {}): EntryChange {
  const { reference, rest } = takeReference(words);
  const open = openMap(reference, request.as);
  try {
    checkVerb(`map ${open.name}`, open.type, 'set');
    const typed = splitEntry(rest, { hasKey: open.layout.key !== undefined, hasValue: true });
    return withOperands(open, typed.key, (key) => setOperands(open, key, typed.key, valueOperand(open, typed.value!), request));
  } finally {
    open.map.close();
  }
}

function setOperands(open: OpenMap, key: Operand, typedKey: string | undefined, value: Operand, { when, cpu, dryRun = false }: SetRequest): EntryChange {
  try {
    const before = open.layout.key === undefined ? undefined : readable(open, key.bytes);
    const bytes = spread(open, value.bytes, before, cpu);
    const change: EntryChange = {
      map: summaryOf(open), action: open.layout.key === undefined ? 'push' : 'set', dryRun, entry: entryOf(open, key, typedKey, bytes),
      ...(before === undefined ? {} : { previous: entryOf(open, key, typedKey, before) }),
    };
    if (!dryRun) attempt(open, () => open.map.update(key.bytes, bytes, flagsOf(when)));
    return change;
  } finally {
    value.fd?.close();
  }
}

/** A value for each CPU: the same for all, or what they have with that of one changed. @throws UsageError SL2607 */
function spread({ layout, map, name }: OpenMap, value: Buffer, before: Buffer | undefined, cpu: number | undefined): Buffer {
  if (layout.perCpu === undefined) {
    if (cpu !== undefined) throw new UsageError(`map ${name} has one value for all CPUs`, { code: 'SL2607' });
    return value;
  }
  const { count, stride } = layout.perCpu;
  if (cpu !== undefined && cpu >= count) throw new UsageError(`there is no CPU ${cpu}`, { code: 'SL2607', hints: [`CPUs: 0 to ${count - 1}`] });
  const bytes = cpu === undefined ? Buffer.alloc(map.valueBytes) : Buffer.from(before ?? Buffer.alloc(map.valueBytes));
  for (let i = 0; i < count; i++) if (cpu === undefined || cpu === i) value.copy(bytes, i * stride);
  return bytes;
}

const flagsOf = (when: 'present' | 'absent' | undefined): bigint => BigInt(when === 'present' ? uapi.BPF_EXIST : when === 'absent' ? uapi.BPF_NOEXIST : 0);

/** The value before, where the type lets it be read. */
function readable(open: OpenMap, key: Buffer): Buffer | undefined {
  try {
    return open.traits.refuses.lookup === undefined ? open.map.lookup(key) : undefined;
  } catch (error) {
    if (error instanceof SyscallError) return undefined;
    throw error;
  }
}

/**
 * Deletes one entry; `words` are the map and the key. A queue or stack gives up its next value.
 *
 * @throws like `setEntry`; NotFoundError SL2614 unless `ignoreMissing`, which then returns undefined
 */
export function deleteEntry(words: readonly unknown[], { as, ignoreMissing = false, dryRun = false }: { as?: string | undefined; ignoreMissing?: boolean; dryRun?: boolean } = {}): EntryChange | undefined {
  const { reference, rest } = takeReference(words);
  const open = openMap(reference, as);
  try {
    checkVerb(`map ${open.name}`, open.type, 'delete');
    if (open.layout.key === undefined) splitEntry(rest, { hasKey: false, hasValue: false });
    const typed = open.layout.key === undefined ? undefined : splitEntry(rest, { hasKey: true, hasValue: false }).key;
    return withOperands(open, typed, (key) => deleteOperand(open, key, typed, { ignoreMissing, dryRun }));
  } finally {
    open.map.close();
  }
}

function deleteOperand(open: OpenMap, key: Operand, typed: string | undefined, { ignoreMissing, dryRun }: { ignoreMissing: boolean; dryRun: boolean }): EntryChange | undefined {
  const isQueue = open.layout.key === undefined;
  const before = readable(open, key.bytes);
  const isAbsent = before === undefined && open.traits.refuses.lookup === undefined && open.traits.value !== 'socket';
  if (isAbsent) return missing(open, typed, ignoreMissing);
  const taken = dryRun ? before : attempt(open, () => (isQueue ? open.map.take(key.bytes) : removed(open, key.bytes, before)));
  if (taken === undefined && isQueue) return missing(open, typed, ignoreMissing);
  const entry = entryOf(open, key, typed, taken ?? Buffer.alloc(open.map.valueBytes));
  return { map: summaryOf(open), action: isQueue ? 'pop' : 'delete', dryRun, entry: taken === undefined ? keyOnly(entry) : entry };
}

const keyOnly = ({ key }: MapEntry): MapEntry => (key === undefined ? {} : { key });

function removed({ map }: OpenMap, key: Buffer, before: Buffer | undefined): Buffer | undefined {
  map.delete(key);
  return before;
}

function missing({ name, type }: OpenMap, typed: string | undefined, ignoreMissing: boolean): undefined {
  if (!ignoreMissing) throw new NotFoundError(typed === undefined ? `${type} ${name} is empty` : `map ${name} has no entry ${typed}`, { code: 'SL2614' });
}

function withOperands<T>(open: OpenMap, typedKey: string | undefined, work: (key: Operand) => T): T {
  const key = keyOperand(open, typedKey);
  try {
    return work(key);
  } finally {
    key.fd?.close();
  }
}

/** Does it, and says in words about the map why the kernel does not. */
function attempt<T>(open: OpenMap, work: () => T): T {
  try {
    return work();
  } catch (error) {
    if (error instanceof SyscallError && error.errnoName === 'ENOENT') throw new NotFoundError(`map ${open.name} has no such entry`, { code: 'SL2614', causes: [error.message], cause: error });
    if (error instanceof SyscallError && error.errnoName === 'EEXIST') throw new UsageError(`map ${open.name} has the entry already`, { code: 'SL2608', reason: 'failed', causes: [error.message], cause: error });
    throw explainRefusal(error, refusing(open));
  }
}
