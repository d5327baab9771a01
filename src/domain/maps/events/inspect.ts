import { BusyError, SyscallError, UsageError } from '../../../lib/errors.ts';
import { heldKey, readAll, readHolders, type Reference } from '../../bpf/index.ts';
import { parseBtf, PerfReader, possibleCpus, programInfo, readBtfObject, RingReader } from '../../../kernel/bpf/index.ts';
import { type Btf, kernelBtf, Kind } from '../../../kernel/btf/index.ts';
import { pollReadable } from '../../../kernel/syscalls/index.ts';
import { show } from '../dump/entry.ts';
import { applyHints, parseHints, type Hints } from '../layout/hints.ts';
import { layoutOfType } from '../layout/inspect.ts';
import type { Layout } from '../layout/layout.ts';
import type { Shown } from '../model.ts';
import { openMap, type OpenMap } from '../open/inspect.ts';
import { STREAM_TYPES } from '../types.ts';

/** One record. Records that the ring had no room for come as `lost` without an event. */
export interface MapEvent {
  time: Date;
  /** Only of a perf event array. */
  cpu?: number;
  event?: Shown;
  lost?: number;
}

/** How many there were. */
export interface EventTotals {
  events: number;
  lost: number;
  /** A ring buffer does not count what programs had no room for. */
  countsLost: boolean;
}

export interface EventRequest {
  /** Name of the struct that records are. */
  type?: string | undefined;
  as?: string | undefined;
  /** Ends after as many events. */
  count?: number | undefined;
  /** Reads although another process does: each record reaches one of them. */
  force?: boolean;
  until: AbortSignal;
}

/** Pages of each CPU's ring: a power of two. */
const RING_PAGES = 64;

/**
 * Follows the records of a ring buffer or a perf event array until there were `count` or `until` says so.
 *
 * @throws UsageError SL2601 for other types, SL2618 for a type that cannot be found; BusyError SL2619 where another process reads
 */
export function followEvents(reference: Reference, request: EventRequest): AsyncGenerator<MapEvent, EventTotals, void> {
  const hints = parseHints(request.as);
  const open = openMap(reference);
  try {
    if (!STREAM_TYPES.includes(open.type)) throw new UsageError(`map ${open.name} is a ${open.type}, which has no events`, { code: 'SL2601', reason: 'unsupported', hints: [`types with events: ${STREAM_TYPES.join(', ')}`, `sluice bpf map watch ${open.info.id}`] });
    if (request.force !== true) checkReaders(open);
    const layout = request.type === undefined ? undefined : findType(open, request.type, hints);
    return follow(open, layout, hints, request);
  } catch (error) {
    open.map.close();
    throw error;
  }
}

function checkReaders({ info, name }: OpenMap): void {
  const readers = readHolders().processes.get(heldKey('map', info.id)) ?? [];
  if (readers.length === 0) return;
  throw new BusyError(`another process reads map ${name}`, {
    code: 'SL2619', causes: readers.map(({ pid, name: process }) => `${process} (pid ${pid}) holds it`), hints: ['--force takes records away from it'],
  });
}

/** A struct by its name: in the types of programs that use the map, then in the kernel's. */
function findType({ info, name }: OpenMap, type: string, hints: Hints): Layout {
  for (const btf of typesAround(info.id)) {
    const [id] = [...btf.find(type, Kind.STRUCT), ...btf.find(type, Kind.UNION), ...btf.find(type, Kind.TYPEDEF), ...btf.find(type, Kind.INT)];
    if (id !== undefined) return applyHints(layoutOfType(btf, id, { hints: hints.guess }), 'value', hints);
  }
  throw new UsageError(`there is no type ${type}`, { code: 'SL2618', causes: [`neither in programs that use map ${name} nor in the kernel`], hints: ['sluice bpf btf dump'] });
}

function* typesAround(map: number): Generator<Btf> {
  const ids = new Set([...readAll('program', programInfo)].flatMap(({ mapIds, btfId }) => (mapIds.includes(map) && btfId !== 0 ? [btfId] : [])));
  for (const id of ids) {
    const object = readBtfObject(id);
    if (object !== undefined) yield parseBtf(object);
  }
  yield kernelBtf();
}

/** A ring of either kind. */
interface Source {
  fd: { number: number };
  drain(event: (record: Buffer) => void, lost: (count: number) => void): void;
  close(): void;
  cpu?: number;
}

async function* follow(open: OpenMap, layout: Layout | undefined, hints: Hints, { count = Infinity, until }: EventRequest): AsyncGenerator<MapEvent, EventTotals, void> {
  const sources: Source[] = [];
  let alarm: Alarm | undefined;
  const totals: EventTotals = { events: 0, lost: 0, countsLost: open.type !== 'ringbuf' };
  try {
    sources.push(...openSources(open));
    alarm = new Alarm(sources, until);
    while (!until.aborted) {
      for (const event of drainAll(sources, layout, hints)) {
        totals.lost += event.lost ?? 0;
        if (event.event !== undefined) totals.events++;
        yield event;
        if (totals.events >= count) return totals;
      }
      await alarm.rings();
    }
    return totals;
  } finally {
    alarm?.close();
    for (const source of sources) source.close();
    open.map.close();
  }
}

function openSources({ map, type }: OpenMap): Source[] {
  if (type === 'ringbuf') {
    const reader = new RingReader(map);
    return [{ fd: map.fd, drain: (event) => void reader.drain(event), close: () => reader.close() }];
  }
  return Array.from({ length: Math.min(possibleCpus(), map.spec.maxEntries) }, (_, cpu) => openPerf(map, cpu)).filter((source) => source !== undefined);
}

/** Undefined for a CPU that is offline. */
function openPerf(map: OpenMap['map'], cpu: number): Source | undefined {
  try {
    return new PerfReader(map, cpu, RING_PAGES);
  } catch (error) {
    if (error instanceof SyscallError && error.errnoName === 'ENODEV') return undefined;
    throw error;
  }
}

function drainAll(sources: readonly Source[], layout: Layout | undefined, hints: Hints): MapEvent[] {
  const events: MapEvent[] = [];
  const time = new Date();
  for (const source of sources) {
    const from = source.cpu === undefined ? { time } : { time, cpu: source.cpu };
    source.drain((record) => events.push({ ...from, event: showRecord(record, layout, hints) }), (lost) => events.push({ ...from, lost }));
  }
  return events;
}

/** A record that is shorter than its type is bytes; perf pads records, so that one may be longer. */
function showRecord(record: Buffer, layout: Layout | undefined, hints: Hints): Shown {
  const bytes = Buffer.from(record);
  if (layout !== undefined && layout.size <= bytes.length) return { ...show(layout, bytes, 0), hex: bytes.toString('hex') };
  return show(applyHints({ kind: 'hex', at: 0, size: bytes.length }, 'value', hints), bytes, 0);
}

/** A ring that was filled before anybody waited may not say so: it is looked at that often in any case. */
const LOOK_MS = 200;

/**
 * Waits for any of the rings. The descriptors are watched from the start: a perf event tells of each record once, to whoever asks
 * first. @kernel perf_poll
 */
class Alarm {
  readonly #polls: readonly { close(): void }[];
  readonly #until: AbortSignal;
  #wake: () => void = () => undefined;
  readonly #ring = (): void => this.#wake();

  constructor(sources: readonly Source[], until: AbortSignal) {
    this.#until = until;
    this.#polls = sources.map(({ fd }) => pollReadable(fd.number, this.#ring));
    until.addEventListener('abort', this.#ring);
  }

  /** Until there may be something, or it is over. */
  rings(): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(resolve, LOOK_MS);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      if (this.#until.aborted) this.#wake();
    });
  }

  close(): void {
    for (const poll of this.#polls) poll.close();
    this.#until.removeEventListener('abort', this.#ring);
  }
}
