/** Counters at two moments to rates. */

import type { Rate, TrafficCounters, TrafficSample } from './model.ts';

/** Counters of a device that mean a lost packet; errors include what is told apart in others. */
const LOSSES = ['rxDropped', 'txDropped', 'rxErrors', 'txErrors'] as const;
const NONE: { sent: Rate; received: Rate } = { sent: { packets: 0, bytes: 0 }, received: { packets: 0, bytes: 0 } };

/** The rates between two readings, without the time and the name. */
export function ratesBetween(before: TrafficCounters, after: TrafficCounters): Omit<TrafficSample, 'time' | 'tunnel'> {
  const seconds = (after.atMs - before.atMs) / 1000;
  const each = (from: number, to: number): number => Math.round(((to - from) / seconds) * 10) / 10;
  const device = (name: string): number => each(before.device[name] ?? 0, after.device[name] ?? 0);
  const rate = (from: Rate, to: Rate): Rate => ({ packets: each(from.packets, to.packets), bytes: each(from.bytes, to.bytes) });
  const remotes = [...after.remotes].map(([address, { sent, received }]) => {
    const old = before.remotes.get(address) ?? NONE;
    return { address, sent: rate(old.sent, sent), received: rate(old.received, received) };
  });
  return {
    sent: { packets: device('txPackets'), bytes: device('txBytes') }, received: { packets: device('rxPackets'), bytes: device('rxBytes') },
    drops: LOSSES.reduce((sum, name) => sum + device(name), 0),
    reasons: Object.fromEntries(Object.entries(after.reasons).map(([name, count]) => [name, each(before.reasons[name] ?? 0, count)] as const).filter(([, count]) => count > 0)),
    moves: each(before.moves, after.moves),
    remotes: remotes.sort((a, b) => b.sent.packets + b.received.packets - a.sent.packets - a.received.packets || (a.address < b.address ? -1 : 1)),
  };
}
