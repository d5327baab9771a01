import { createReadStream } from 'node:fs';
import { OperationError, type SluiceError, type SyscallError, UsageError } from '../../../lib/errors.ts';
import type { Reference } from '../../bpf/index.ts';
import { openMap, refusing, type OpenMap } from '../open/inspect.ts';
import { checkVerb, explainRefusal } from '../refuse.ts';
import { EncodedEntries, encodeEntry, readEntries, type SourceFormat } from './entries.ts';

/** What was loaded. */
export interface MapLoad {
  map: { id: number; name: string; type: string };
  source: string;
  entries: number;
  /** Whether all entries were read and checked before the first was set. */
  checkedFirst: boolean;
  dryRun: boolean;
}

/** Entries are set in pieces of as many. */
const PIECE_ENTRIES = 65_536;
const PIECE_BYTES = 16 << 20;
/** Encoded entries that are kept until all were read. */
const KEPT_BYTES = 128 << 20;

/**
 * Sets all entries of a file, or of standard input for `-`: JSON as `bpf map dump` prints it, an array, objects one after the other, or
 * CSV. Nothing is changed before all of it was read, unless it is larger than 128 MiB in the form of the map.
 *
 * @throws ParseError SL2620; OperationError SL2621 where the kernel refuses one, which says how many were set before it
 */
export async function loadEntries(reference: Reference, file: string, { as, format, dryRun = false }: { as?: string | undefined; format?: SourceFormat | undefined; dryRun?: boolean } = {}): Promise<MapLoad> {
  const open = openMap(reference, as);
  try {
    checkVerb(`map ${open.name}`, open.type, 'set');
    if (!['bytes', 'device', 'cpu-queue'].includes(open.traits.value) || open.traits.key !== 'bytes' && open.traits.key !== 'none')
      throw new UsageError(`map ${open.name} holds kernel objects, which are set one by one`, { code: 'SL2601', reason: 'unsupported' });
    const source = file === '-' ? 'standard input' : file;
    return { map: { id: open.info.id, name: open.info.name, type: open.type }, source, dryRun, ...(await loadFrom(open, openSource(file), source, format, dryRun)) };
  } finally {
    open.map.close();
  }
}

async function loadFrom(open: OpenMap, pieces: AsyncIterable<Buffer>, source: string, format: SourceFormat | undefined, dryRun: boolean): Promise<{ entries: number; checkedFirst: boolean }> {
  const { keySize } = open.info;
  const { valueBytes } = open.map;
  const perPiece = Math.max(1, Math.min(PIECE_ENTRIES, Math.floor(PIECE_BYTES / (keySize + valueBytes))));
  const kept = new EncodedEntries(keySize, valueBytes, perPiece);
  let [entries, done] = [0, 0];
  for await (const batch of readEntries(pieces, source, format)) {
    for (const entry of batch) {
      const slot = kept.add(entry.line);
      encodeEntry(open.layout, entry, source, slot);
      checkIndex(open, slot.key, source, entry.line);
      entries++;
    }
    if (kept.bytes > KEPT_BYTES) done = setPieces(open, kept, source, done, dryRun);
  }
  const checkedFirst = done === 0;
  setPieces(open, kept, source, done, dryRun);
  return { entries, checkedFirst };
}

function openSource(file: string): AsyncIterable<Buffer> {
  return file === '-' ? process.stdin : createReadStream(file, { highWaterMark: 1 << 20 });
}

/** Indices of arrays can be checked without the kernel. @throws OperationError SL2621 */
function checkIndex({ type, info, name }: OpenMap, key: Buffer, source: string, line: number): void {
  if (!type.endsWith('array') || key.length !== 4 || key.readUInt32LE(0) < info.maxEntries) return;
  throw new OperationError(`${source}:${line}: index ${key.readUInt32LE(0)} is past the end of map ${name}, which has ${info.maxEntries}`, { code: 'SL2621', reason: 'usage', details: { line } });
}

/** Sets what was collected and forgets it; returns how many were set in all. */
function setPieces(open: OpenMap, kept: EncodedEntries, source: string, before: number, dryRun: boolean): number {
  let done = before;
  for (const { keys, values, lines, count } of kept.pieces) {
    if (!dryRun) {
      const outcome = open.map.updateSome(keys.subarray(0, count * open.info.keySize), values.subarray(0, count * open.map.valueBytes), count);
      if (outcome.error !== undefined) throw stopped(open, outcome.error, `${source}:${lines[outcome.done]}`, done + outcome.done);
    }
    done += count;
  }
  kept.pieces.length = 0;
  kept.bytes = 0;
  return done;
}

function stopped(open: OpenMap, error: SyscallError, where: string, done: number): SluiceError {
  const reason = explainRefusal(error, refusing(open)) as SluiceError;
  return new OperationError(`${where}: ${reason.message}`, {
    code: 'SL2621', reason: reason.reason, causes: [...reason.causes, `${done} entries were set before it`], hints: reason.hints, details: { entriesSet: done }, cause: error,
  });
}
