/** What is wrong with a tunnel at first sight, from tables that are read anyway; `vxlan check` looks closer. */

import type { Tunnel } from './model.ts';
import { type InterfaceLookup, underlayOf } from './underlay.ts';

/** Short words, such as `mtu`. */
export function findIssues(tunnel: Omit<Tunnel, 'issues'>, lookup: InterfaceLookup): string[] {
  const underlay = underlayOf(tunnel, lookup);
  const unset = tunnel.local === undefined || tunnel.local === '0.0.0.0' || tunnel.local === '::';
  const findings: [string, boolean][] = [
    ['mtu', underlay !== undefined && tunnel.mtu > underlay.innerMtu],
    ['local', !unset && !lookup.byAddress.has(tunnel.local!)],
    ['underlay', underlay !== undefined && !underlay.interface.flags.includes('LOWER_UP')],
    ['no-remote', tunnel.entries === 0 && tunnel.attributes.external !== true],
    ['down', tunnel.state === 'down'],
  ];
  return findings.filter(([, found]) => found).map(([word]) => word);
}
