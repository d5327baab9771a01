/** What an MTU check looks at, and what it finds. */

import type { PathMeasurement } from '../path/inspect.ts';

/** A link of the node, or one on the way in another namespace, as far as its MTU goes. */
export interface CheckedLink {
  name: string;
  ifindex: number;
  kind: string;
  mtu: number;
  /** Label of the network namespace; absent in the one that is checked. */
  netns?: string;
  /** What a tunnel adds, and the link that carries it. */
  tunnel?: { overhead: number; over: string; overMtu: number; df: string };
  /** Name of the bridge or bond that it is a port of. */
  master?: string;
  /** The other end of a veth, where its namespace can be seen. */
  peer?: { name: string; mtu: number; netns: string };
}

/** A destination and what the way to it carries. */
export interface CheckedPath {
  to: string;
  /** Name of the link that packets leave by, and its MTU. */
  egress: string;
  egressMtu: number;
  /** What carries what, from the egress down and on through namespaces that forward; `NETNS/LINK` in another one. */
  links: readonly string[];
  /** The tunnel whose packets go this way, when the destination is a remote VTEP. */
  carries?: string;
  /** Absent when nobody answered; `problem` then says why. */
  measured?: PathMeasurement;
  problem?: string;
}

/** Everything that was looked at. */
export interface MtuFacts {
  links: readonly CheckedLink[];
  paths: readonly CheckedPath[];
}

/** What a finding is about; the manual says it of each. */
export type MtuCheckId = 'MT001' | 'MT002' | 'MT003' | 'MT004' | 'MT005' | 'MT006' | 'MT007';

/** Something that is wrong. */
export interface MtuFinding {
  /** Stable. */
  id: MtuCheckId;
  /** `fail`: packets vanish or are cut; `warn`: they are refused in a way that senders understand, or could be larger. */
  severity: 'fail' | 'warn';
  /** Link or address that it is about. */
  subject: string;
  /** What was seen. */
  detail: string;
  /** Where something has to change: here, in the node of this pod, in a pod, on the way, or at the other end. */
  side: 'this node' | 'node' | 'pod' | 'path' | 'other end';
  /** What to do, as a command where there is one. */
  fix: string;
}

/** The result of a check. */
export interface MtuReport extends MtuFacts {
  findings: readonly MtuFinding[];
  complete: boolean;
  warnings: readonly string[];
}
