/**
 * Finds the largest packet that a path carries, by packets that must not be cut.
 *
 * A router that has to drop such a packet says so, with the MTU that it has ("fragmentation needed"). Where that message does
 * not come the packet just vanishes, and only trying out sizes tells: many at once, then many between the largest that came
 * through and the smallest that did not.
 */

/** What became of a probe. */
export type Outcome =
  | { kind: 'answered' }
  /** A router dropped it and said which MTU it has; 0 when it is too old to say. */
  | { kind: 'too-big'; mtu: number; from: string }
  /** Our own kernel did not send it: the device carries less. */
  | { kind: 'refused-here' }
  | { kind: 'unreachable'; code: number; from: string }
  | { kind: 'lost' };

/** Sends probes of the given sizes, the IP header included, and says what became of each. */
export interface Prober {
  probe(sizes: readonly number[]): Promise<ReadonlyMap<number, Outcome>>;
  /** How many sizes may be under way at once. */
  width: number;
}

/** A place on the path that said what it carries. */
export interface Narrowing {
  /** Router that said so. */
  from: string;
  mtu: number;
}

/** What the search found. */
export interface SearchResult {
  /** Largest packet that was answered. */
  mtu: number;
  /** Larger ones, up to the smallest in `vanished`, were dropped without a word: a black hole. */
  vanished?: number;
  /** Routers that said that they carry less, in the order of their answers. */
  narrowings: readonly Narrowing[];
}

/** A probe that everything carries: the least MTU of IPv4 and IPv6 that has room for one. */
export const LEAST = { ipv4: 68, ipv6: 1280 } as const;

/** Tries until a size counts as lost. */
const TRIES = 3;

/**
 * Searches between `least`, which must be known to be answered, and `top`.
 *
 * @param top MTU of the link that the packets leave by.
 */
export async function searchMtu(prober: Prober, least: number, top: number): Promise<SearchResult> {
  const narrowings: Narrowing[] = [];
  let size = top;
  while (size > least) {
    const outcome = await settle(prober, size);
    if (outcome.kind === 'answered') return { mtu: size, narrowings };
    const told = outcome.kind === 'too-big' && outcome.mtu >= least && outcome.mtu < size ? outcome : undefined;
    if (told === undefined) return { ...(await bisect(prober, least, size, outcome.kind === 'lost')), narrowings };
    narrowings.push({ from: told.from, mtu: told.mtu });
    size = told.mtu;
  }
  return { mtu: least, narrowings };
}

/** What becomes of one size, with as many tries as it takes. */
export async function settle(prober: Prober, size: number): Promise<Outcome> {
  return (await settleAll(prober, [size])).get(size)!;
}

async function settleAll(prober: Prober, sizes: readonly number[]): Promise<Map<number, Outcome>> {
  const outcomes = new Map<number, Outcome>();
  let open = sizes;
  for (let tries = 0; tries < TRIES && open.length > 0; tries++) {
    for (const [size, outcome] of await prober.probe(open)) outcomes.set(size, outcome);
    open = sizes.filter((size) => outcomes.get(size)!.kind === 'lost');
  }
  return outcomes;
}

/** Narrows down by trying sizes between one that came through and one that did not. */
async function bisect(prober: Prober, answered: number, failed: number, silent: boolean): Promise<Pick<SearchResult, 'mtu' | 'vanished'>> {
  let [low, high, vanished] = [answered, failed, silent];
  while (high - low > 1) {
    const outcomes = [...await settleAll(prober, ladder(low, high, prober.width))];
    // One that was lost below a larger one that came through does not count.
    low = Math.max(low, ...outcomes.filter(([, { kind }]) => kind === 'answered').map(([size]) => size));
    const [first] = outcomes.filter(([size]) => size > low).sort(([a], [b]) => a - b);
    if (first !== undefined) [high, vanished] = [first[0], first[1].kind === 'lost'];
  }
  return vanished ? { mtu: low, vanished: high } : { mtu: low };
}

/** Up to `width` sizes that part the space between two into equal pieces. */
function ladder(low: number, high: number, width: number): number[] {
  const steps = Math.min(width, high - low - 1);
  return Array.from({ length: steps }, (_, i) => low + Math.ceil(((high - low) * (i + 1)) / (steps + 1)));
}
