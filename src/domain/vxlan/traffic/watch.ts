/** `vxlan watch`: counters of the device, of a program for each remote, of the kernel's drops, and of the FDB. */

import { setTimeout as sleep } from 'node:timers/promises';
import { loadObject, openPacketTap, possibleCpus, readBuiltin, type LoadedObject } from '../../../kernel/bpf/index.ts';
import { getLink, listFdb, openNetlink, type NetlinkSocket } from '../../../kernel/netlink/index.ts';
import { formatAddress } from '../../../lib/ip.ts';
import { fdbFacts } from '../check/audit/words.ts';
import { DropWatch } from '../check/drops/watch.ts';
import { MoveWatch } from '../check/moves/watch.ts';
import { findPlaces } from '../tap/inspect.ts';
import type { TapPlace } from '../tap/place.ts';
import type { Rate, TrafficCounters, TrafficSample } from './model.ts';
import { ratesBetween } from './rates.ts';

export interface TrafficRequest {
  /** All tunnels of the namespace when absent. */
  name?: string | undefined;
  netns?: { path: string; label: string };
  intervalMs: number;
  /** Ends after so many intervals. */
  count?: number | undefined;
  signal: AbortSignal;
}

/** One sample of each tunnel after each interval. @throws NotFoundError SL6101; SyscallError EPERM without the rights. */
export async function* watchTraffic({ name, netns, intervalMs, count, signal }: TrafficRequest): AsyncGenerator<TrafficSample, void, void> {
  const { places } = findPlaces(name, netns?.path);
  const watches: TunnelWatch[] = [];
  // Every packet that the machine drops passes each of these, so tunnels share them.
  const drops = new Map<number, DropWatch>();
  try {
    for (const port of new Set(places.map((place) => place.port))) drops.set(port, new DropWatch([netns?.path], port));
    for (const place of places) watches.push(new TunnelWatch(place, drops.get(place.port)!, netns?.path));
    yield* sample(watches, intervalMs, count, signal);
  } finally {
    for (const watch of [...watches, ...drops.values()]) watch[Symbol.dispose]();
  }
}

async function* sample(watches: readonly TunnelWatch[], intervalMs: number, count: number | undefined, signal: AbortSignal): AsyncGenerator<TrafficSample, void, void> {
  let before = watches.map((watch) => watch.read());
  for (let done = 0; done !== count; done++) {
    await sleep(intervalMs, undefined, { signal }).catch(() => undefined);
    if (signal.aborted) return;
    const after = watches.map((watch) => watch.read());
    const time = new Date().toISOString();
    yield* watches.map(({ place }, i) => ({ time, tunnel: place.name, ...ratesBetween(before[i]!, after[i]!) }));
    before = after;
  }
}

/** All that is counted of one tunnel. */
class TunnelWatch implements Disposable {
  readonly place: TapPlace;
  readonly #netns: string | undefined;
  readonly #owned: Disposable[] = [];
  readonly #netlink: NetlinkSocket;
  readonly #object: LoadedObject;
  readonly #drops: DropWatch;
  readonly #moves: MoveWatch;

  constructor(place: TapPlace, drops: DropWatch, netns: string | undefined) {
    this.place = place;
    this.#drops = drops;
    this.#netns = netns;
    try {
      this.#netlink = this.#own(openNetlink(netns === undefined ? {} : { netns: { path: netns } }));
      this.#object = this.#own(loadCounter(place));
      this.#own(openPacketTap(this.#object.program('count'), { ifindex: place.ifindex, netns, linkHeader: place.linkHeader }));
      const fdb = listFdb(this.#netlink, { ifindex: place.tunnel }).items.map(fdbFacts).filter((entry) => entry !== undefined);
      this.#moves = this.#own(new MoveWatch(place.tunnel, fdb, netns));
    } catch (error) {
      this[Symbol.dispose]();
      throw error;
    }
  }

  #own<T extends Disposable>(one: T): T {
    this.#owned.unshift(one);
    return one;
  }

  read(): TrafficCounters {
    const statistics = getLink(this.#netlink, this.place.tunnel).statistics ?? {};
    return {
      atMs: performance.now(), device: Object.fromEntries(Object.entries(statistics).map(([name, value]) => [name, Number(value)])),
      reasons: this.#reasons(), moves: this.#moves.moves.length, remotes: readRemotes(this.#object),
    };
  }

  /** Of drops at the device itself, and of outer packets with its VNI. */
  #reasons(): Record<string, number> {
    const reasons: Record<string, number> = {};
    for (const { reason, packets, device, vni } of this.#drops.read(this.#netns)) {
      if (device === this.place.name || vni === this.place.vni) reasons[reason] = (reasons[reason] ?? 0) + packets;
    }
    return reasons;
  }

  [Symbol.dispose](): void {
    for (const one of this.#owned) one[Symbol.dispose]();
  }
}

const loadCounter = ({ port, vni }: TapPlace): LoadedObject => loadObject(readBuiltin('vxlan-capture'), 'vxlan-capture.bpf.o', {
  programs: ['count'], constants: { port, vni }, sizes: { scratch: { maxEntries: possibleCpus() } },
});

/** `struct remote` and `struct traffic` of bpf/vxlan-capture.bpf.c. */
const REMOTE_BYTES = 20;
const TRAFFIC_BYTES = 16;

function readRemotes(object: LoadedObject): Map<string, { sent: Rate; received: Rate }> {
  const remotes = new Map<string, { sent: Rate; received: Rate }>();
  for (const { keys, values, count } of object.map('remotes').chunks()) {
    for (let i = 0; i < count; i++) {
      const address = addressText(keys.subarray(i * REMOTE_BYTES));
      const remote = remotes.get(address) ?? { sent: { packets: 0, bytes: 0 }, received: { packets: 0, bytes: 0 } };
      const isSent = keys.readUInt32LE(i * REMOTE_BYTES + 16) === 1;
      const [packets, bytes] = [values.readBigUInt64LE(i * TRAFFIC_BYTES), values.readBigUInt64LE(i * TRAFFIC_BYTES + 8)].map(Number) as [number, number];
      remotes.set(address, { ...remote, [isSent ? 'sent' : 'received']: { packets, bytes } });
    }
  }
  return remotes;
}

/** IPv4 is alone in the first word: an IPv6 address with only that word does not exist on a wire. */
function addressText(key: Buffer): string {
  const words = [0, 4, 8, 12].map((at) => key.readUInt32BE(at));
  return formatAddress(words.slice(1).every((word) => word === 0) ? words.slice(0, 1) : words);
}
