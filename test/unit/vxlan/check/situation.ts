/** Healthy ends to break, for tests of checks. */

import type { Audit, End, Situation } from '../../../../src/domain/vxlan/check/model.ts';

type Deep<T> = { [K in keyof T]?: T[K] extends readonly unknown[] ? T[K] : T[K] extends object | undefined ? Deep<T[K]> : T[K] };

const other = (host: number): number => 3 - host;

/** An audit of host 1 or 2, which flood to each other. */
export function audit(host: number, changes: Deep<Audit> = {}): Audit {
  const { tunnel, underlay, ...rest } = changes;
  return {
    node: `node${host}`, netns: host, addresses: [
      { device: 'eth0', address: `172.30.0.${host}`, prefixLength: 24 }, { device: 'vxlan100', address: `10.200.0.${host}`, prefixLength: 24 },
      { device: 'br0', address: `10.244.${host}.1`, prefixLength: 24 },
    ],
    remotes: [{ address: `172.30.0.${other(host)}`, configured: true, isOwn: false, route: { device: 'eth0' }, neighbourState: 'REACHABLE' }],
    fdb: [{ mac: '00:00:00:00:00:00', remote: `172.30.0.${other(host)}`, configured: true }], neighbours: [],
    routes: [{ prefix: `10.244.${other(host)}.0/24`, gateway: `10.200.0.${other(host)}` }], otherTunnels: [], rpFilter: 0,
    lookups: [{ address: `10.244.${other(host)}.1`, device: 'vxlan100' }], firewall: [], counters: { tunnel: {}, underlay: {}, stack: {} }, notes: [],
    ...rest as object,
    tunnel: {
      name: 'vxlan100', ifindex: 5, mac: `02:00:00:00:00:0${host}`, innerMac: `02:00:00:00:00:0${host}`, vni: 100, external: false, port: 4789, local: `172.30.0.${host}`, lower: 'eth0',
      ipv6: false, mtu: 1450, up: true, learning: true, proxy: false, df: 'unset', gbp: false, gpe: false, ageingSeconds: 300, addresses: [`10.200.0.${host}/24`], ...tunnel as object,
    },
    underlay: { name: 'eth0', ifindex: 2, mtu: 1500, up: true, carrier: true, driver: 'veth', programs: [], ...underlay as object },
  } as Audit;
}

export const end = (label: string, of: Audit, changes: Partial<End> = {}): End =>
  ({ label, audit: of, counted: { tunnel: {}, underlay: {}, stack: {} }, drops: [], moves: [], sawDrops: true, ...changes });

/** Two ends that reach each other. */
export const situation = (here: Deep<Audit> = {}, peer: Deep<Audit> = {}, changes: Partial<Situation> = {}): Situation => ({
  here: end('here', audit(1, here)), peers: [end('h2', audit(2, peer))], probes: [{ to: '10.200.0.2', what: 'tunnel', sent: 3, answered: 3 }], transports: [],
  paths: [{ to: '172.30.0.2', mtu: 1500 }], static: false, ...changes,
});
