/** What passes through a tunnel in one interval. All numbers are for one second. */
export interface TrafficSample {
  /** UTC, at the end of the interval. */
  time: string;
  tunnel: string;
  sent: Rate;
  received: Rate;
  /** Packets that the tunnel device dropped or counted as errors, both ways. */
  drops: number;
  /** What the kernel says why it dropped packets of this tunnel; not all have a reason, and some count where no device does. */
  reasons: Record<string, number>;
  /** MACs that went to another remote. */
  moves: number;
  /** By underlay address, busiest first. */
  remotes: { address: string; sent: Rate; received: Rate }[];
}

export interface Rate {
  packets: number;
  bytes: number;
}

/** Counters at one moment. */
export interface TrafficCounters {
  /** Monotonic, milliseconds. */
  atMs: number;
  device: Readonly<Record<string, number>>;
  reasons: Readonly<Record<string, number>>;
  moves: number;
  remotes: ReadonlyMap<string, { sent: Rate; received: Rate }>;
}
