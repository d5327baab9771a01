import type { Backend, Rule } from '../model.ts';
import type { Packet } from './packet.ts';

/**
 * One thing that happened to the packet: a rule that matched (and counted), a chain policy, a routing decision, or a
 * drop because the header that a rule's match needs is not there (`hotdrop`; the rule does not count).
 */
export interface Step {
  kind: 'rule' | 'policy' | 'routing' | 'hotdrop';
  /** The ruleset that holds the chain; absent for routing. */
  backend?: Backend;
  table: string;
  chain: string;
  /** Number of the rule in its chain, from 1; absent for a policy and for routing. */
  number?: number;
  rule?: Rule;
  /** `jump KUBE-SVC-X`, `DNAT 10.0.0.1:80`, `ACCEPT`, `count`, `policy DROP`, `forward out eth1`. */
  action: string;
  /** The policy ACCEPT of a chain without rules: counted, but not worth telling. */
  idle?: true;
  /** The rule may also not have matched: one of its matches could not be answered. */
  assumed: boolean;
}

/** A rule that could not be decided, and what one path takes it for. */
export interface Assumption {
  backend: Backend;
  table: string;
  rule: Rule;
  /** What is missing to decide it: `source port`, or the name of a match such as `set`. */
  unknown: readonly string[];
  matches: boolean;
}

/** A list that shares its beginning with other lists: paths fork often and their past is long. */
export interface Trail<T> {
  last: T;
  before: Trail<T> | undefined;
  length: number;
}

/** The trail with one entry more. */
export const extend = <T>(before: Trail<T> | undefined, last: T): Trail<T> => ({ last, before, length: (before?.length ?? 0) + 1 });

/** The entries of a trail, oldest first. */
export function trailItems<T>(trail: Trail<T> | undefined): T[] {
  const items: T[] = [];
  for (let rest = trail; rest !== undefined; rest = rest.before) items.push(rest.last);
  return items.reverse();
}

/** One possible history of the packet so far. */
export interface Progress {
  packet: Packet;
  steps: Trail<Step> | undefined;
  assumptions: Trail<Assumption> | undefined;
  /** Product of the probabilities of the random choices on the way. */
  probability: number;
  /** What the nat core has already settled for the connection, so that later nat chains do not see it. */
  settled: readonly ('source' | 'destination')[];
}

/** The most paths that one walk may split into; beyond it the answer is "could not tell". */
export const PATH_LIMIT = 20_000;

/** What is said then. */
export const TOO_MANY = { undetermined: 'the rules split the packet into too many possibilities' };

/** The most steps of one path: chains that call others again and again multiply, and the kernel takes them. */
export const STEP_LIMIT = 500_000;

/** What is said then. */
export const TOO_LONG = { undetermined: 'the packet passes too many rules' };
