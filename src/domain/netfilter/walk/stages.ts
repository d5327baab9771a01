import type { HookName } from './effect.ts';

/** What a packet passes, in the order of the netfilter priorities (migration reference 4.1). */
export type Stage =
  | { kind: 'table'; hook: HookName; table: string }
  /** The nat chains of a hook: only the first packet of a connection sees them, and only once per direction. */
  | { kind: 'nat'; hook: HookName; settles: 'source' | 'destination' }
  /** Priority -200: the packet gets its connection, unless a rule said not to track it. */
  | { kind: 'conntrack' }
  /** The routing decision; what follows depends on it. */
  | { kind: 'route' }
  /** A packet of the node itself is routed anew when a table changed what routing depends on. */
  | { kind: 'reroute' };

const table = (hook: HookName, name: string): Stage => ({ kind: 'table', hook, table: name });

/** A packet that came in by an interface, up to the routing decision. */
export const PREROUTING: readonly Stage[] = [
  table('PREROUTING', 'raw'),
  { kind: 'conntrack' },
  table('PREROUTING', 'mangle'),
  { kind: 'nat', hook: 'PREROUTING', settles: 'destination' },
  { kind: 'route' },
];

/** To a process of this node. */
export const INPUT: readonly Stage[] = [
  table('INPUT', 'mangle'), table('INPUT', 'filter'), table('INPUT', 'security'),
  { kind: 'nat', hook: 'INPUT', settles: 'source' },
];

const POSTROUTING: readonly Stage[] = [
  table('POSTROUTING', 'mangle'),
  { kind: 'nat', hook: 'POSTROUTING', settles: 'source' },
];

/** Through this node. */
export const FORWARD: readonly Stage[] = [
  table('FORWARD', 'mangle'), table('FORWARD', 'filter'), table('FORWARD', 'security'), ...POSTROUTING,
];

/** From a process of this node, which has been routed already. */
export const OUTPUT: readonly Stage[] = [
  table('OUTPUT', 'raw'),
  { kind: 'conntrack' },
  table('OUTPUT', 'mangle'),
  { kind: 'reroute' },
  { kind: 'nat', hook: 'OUTPUT', settles: 'destination' },
  { kind: 'reroute' },
  table('OUTPUT', 'filter'), table('OUTPUT', 'security'), ...POSTROUTING,
];
