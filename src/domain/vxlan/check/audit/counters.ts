/** Counters of the network stack, as /proc prints them, and what changed between two readings. */

import type { Counters } from '../model.ts';

/** Reads /proc/net/snmp or netstat, two lines for each protocol (`Ip: Name …`, `Ip: 1 …`), into `Ip.Name`. */
export function parseStack(text: string): Record<string, number> {
  const lines = text.split('\n').map((line) => line.split(/\s+/));
  const counters: Record<string, number> = {};
  for (let i = 0; i + 1 < lines.length; i += 2) {
    const [names = [], values = []] = [lines[i], lines[i + 1]];
    names.slice(1).forEach((name, k) => {
      counters[`${names[0]!.replace(':', '')}.${name}`] = Number(values[k + 1]);
    });
  }
  return counters;
}

/** Reads /proc/net/snmp6 (`Ip6InReceives  1`) into `Ip6.InReceives`. */
export function parseStack6(text: string): Record<string, number> {
  const rows = text.split('\n').map((line) => /^(Ip6|Icmp6|Udp6)(\w+)\s+(\d+)/.exec(line)).filter((match) => match !== null);
  return Object.fromEntries(rows.map(([, protocol, name, value]) => [`${protocol}.${name}`, Number(value)]));
}

/** What was counted between two readings; counters that did not move are left out. */
export function difference(before: Counters, after: Counters): Counters {
  const change = (from: Record<string, number>, to: Record<string, number>): Record<string, number> =>
    Object.fromEntries(Object.entries(to).map(([name, value]) => [name, value - (from[name] ?? 0)] as const).filter(([, moved]) => moved !== 0));
  return { tunnel: change(before.tunnel, after.tunnel), underlay: change(before.underlay, after.underlay), stack: change(before.stack, after.stack) };
}
