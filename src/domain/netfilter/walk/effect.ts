import type { Packet } from './packet.ts';

/** What a target did to the packet. */
export type Effect =
  /** The next rule is judged, on this packet. */
  | { kind: 'continue'; packet: Packet }
  /** The packet leaves the table. `mapped`: the nat core has settled the connection's translation at this hook. */
  | { kind: 'end'; verdict: Verdict; packet: Packet; mapped?: true }
  /** What happens next is decided outside the rules. */
  | { kind: 'undetermined'; why: string };

/** How a walk ends. */
export type Verdict = 'accept' | 'drop' | 'reject';

/** What a target needs to know beside the packet. */
export interface TargetContext {
  hook: HookName;
  /** First address of an interface; undefined when that is not known. */
  interfaceAddress(name: string): readonly number[] | undefined;
}

/** The netfilter hooks of the IP layer. */
export type HookName = 'PREROUTING' | 'INPUT' | 'FORWARD' | 'OUTPUT' | 'POSTROUTING';
