import type { Outcome } from '../classifier/index.ts';
import type { Counters } from '../netfilter/index.ts';

/**
 * Spreads what the leaves counted over the rules on their paths: exactly what `iptables -L -v -x` would show.
 *
 * `leaves[i]` says what leaf i stands for, `counts[i]` how many packets ended there. Returns one counter a rule id.
 */
export function expandCounters(leaves: readonly Outcome[], counts: readonly Counters[], rules: number): Counters[] {
  const totals = Array.from({ length: rules }, (): Counters => ({ packets: 0n, bytes: 0n }));
  for (const [leaf, { packets, bytes }] of counts.entries()) {
    if (packets === 0n) continue;
    for (const id of leaves[leaf]!.counted) {
      totals[id]!.packets += packets;
      totals[id]!.bytes += bytes;
    }
  }
  return totals;
}

/** Reads the counters map's values: 16 bytes an entry, entry `cpu * leaves + leaf`, summed over the CPUs. */
export function sumLeafCounters(values: Buffer, leaves: number): Counters[] {
  const sums = Array.from({ length: leaves }, (): Counters => ({ packets: 0n, bytes: 0n }));
  const entries = Math.floor(values.length / 16);
  for (let entry = 0; entry < entries; entry++) {
    const packets = values.readBigUInt64LE(entry * 16);
    if (packets === 0n) continue;
    const sum = sums[entry % leaves]!;
    sum.packets += packets;
    sum.bytes += values.readBigUInt64LE(entry * 16 + 8);
  }
  return sums;
}
