import { UsageError } from '../../../lib/errors.ts';
import { FORMATS, formatLayout } from '../layout/hints.ts';
import { traitsOf } from '../types.ts';

/** A map that is to be made; sizes as the user wrote them. */
export interface MapRequest {
  name: string;
  type: string;
  /** Bytes, or a format such as `u32`, `ipv4`. */
  key: string | undefined;
  value: string | undefined;
  maxEntries: number | undefined;
  flags: readonly string[];
  /** A map like those that go in, for maps of maps. */
  inner?: string | undefined;
  /** Number of hash functions of a bloom filter. */
  extra?: number | undefined;
  /** Where it is pinned: a path, or a name below the folder of sluice; its own name when absent. */
  pin?: string | undefined;
}

/** Sizes that a type has of itself. */
const FIXED: Readonly<Record<string, { key?: number; value?: number }>> = {
  array: { key: 4 }, percpu_array: { key: 4 }, prog_array: { key: 4, value: 4 }, perf_event_array: { key: 4, value: 4 }, cgroup_array: { key: 4, value: 4 }, array_of_maps: { key: 4, value: 4 },
  hash_of_maps: { value: 4 }, stack_trace: { key: 4 }, devmap: { key: 4, value: 4 }, devmap_hash: { key: 4, value: 4 }, cpumap: { key: 4, value: 4 }, xskmap: { key: 4, value: 4 }, sockmap: { key: 4, value: 8 },
  sockhash: { value: 8 }, reuseport_sockarray: { key: 4, value: 8 }, queue: { key: 0 }, stack: { key: 0 }, bloom_filter: { key: 0 }, ringbuf: { key: 0, value: 0 }, user_ringbuf: { key: 0, value: 0 }, arena: { key: 0, value: 0 },
};

/** What C calls types of these formats: others read the bytes by such names. */
const TYPE_NAMES: Readonly<Record<string, string>> = { ipv4: 'in_addr', ipv6: 'in6_addr', port: '__be16', be16: '__be16', be32: '__be32', be64: '__be64' };

/** The name of the type that a key or value given as a format has; undefined where its size says all. */
export const typeNameOf = (given: string | undefined): string | undefined => (given === undefined ? undefined : TYPE_NAMES[given]);

/** What the kernel is asked for, but type and flags. @throws UsageError SL2607 */
export function planMap({ name, type, key, value, maxEntries, extra, inner }: MapRequest): { name: string; keySize: number; valueSize: number; maxEntries: number; extra?: bigint } {
  if (maxEntries === undefined || maxEntries < 0 || maxEntries > 0xffff_ffff) throw missing('--max-entries', 'how many entries it has room for');
  if (traitsOf(type).value === 'map' && inner === undefined) throw missing('--inner', 'a map like those that go in');
  const fixed = FIXED[type] ?? {};
  return {
    name, maxEntries, keySize: sizeOf(key, fixed.key, '--key'), valueSize: sizeOf(value, fixed.value, '--value'),
    ...(extra === undefined ? {} : { extra: BigInt(extra) }),
  };
}

function sizeOf(given: string | undefined, fixed: number | undefined, flag: string): number {
  if (given === undefined) {
    if (fixed === undefined) throw missing(flag, 'its size in bytes, or a format such as u32');
    return fixed;
  }
  if (/^\d{1,9}$/.test(given)) return Number(given);
  const format = FORMATS.find((name) => name === given);
  const size = [1, 2, 4, 6, 8, 16].find((bytes) => format !== undefined && formatLayout(0, bytes, format)?.kind !== 'array' && formatLayout(0, bytes, format) !== undefined);
  if (size === undefined || format === 'hex' || format === 'string') throw new UsageError(`${flag} ${given} is no size`, { code: 'SL2607', hints: ['bytes, or a format such as u32, u64, ipv4'] });
  return format === 'prefix' ? 8 : size;
}

const missing = (flag: string, what: string): UsageError => new UsageError(`${flag} is missing: ${what}`, { code: 'SL2607' });
