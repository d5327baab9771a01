import { beforeAll, describe, expect, test } from 'vitest';
import { addRoute, deleteRoute, getLink, listRoutes, lookUpRoute, openNetlink, replaceRoute, type Route, type RouteSpec } from '../../../src/kernel/netlink/index.ts';
import { requireRoot } from '../../support/require.ts';
import { type Netns } from '../../support/sluice.ts';
import { withUnderlay } from '../../support/underlay.ts';

beforeAll(() => requireRoot());

type Json = Record<string, unknown>;

/** All routes that somebody made, as `ip` shows them. */
const shown = (netns: Netns): Json[] => ['-4', '-6'].flatMap((family) => JSON.parse(netns.run(['ip', '-d', '-j', family, 'route', 'show', 'table', 'all']) || '[]') as Json[])
  .filter(({ protocol }) => protocol !== 'kernel' && protocol !== 'ra');

describe('a route is the one that `ip route` makes', () => {
  test.each<[Omit<RouteSpec, 'oif'> & { oif?: boolean }, string]>([
    [{ destination: '10.244.2.0', prefixLength: 24, gateway: '10.0.0.2' }, '10.244.2.0/24 via 10.0.0.2 proto static'],
    [{ destination: '10.244.2.0', prefixLength: 24, oif: true }, '10.244.2.0/24 dev eth0 proto static'],
    [{ destination: '10.244.2.0', prefixLength: 24, gateway: '10.99.0.2', oif: true, onlink: true }, '10.244.2.0/24 via 10.99.0.2 dev eth0 onlink proto static'],
    [{ destination: '10.244.2.0', prefixLength: 24, gateway: '10.0.0.2', priority: 77, table: 100, preferredSource: '10.0.0.1', mtu: 1400, protocol: 12 }, '10.244.2.0/24 via 10.0.0.2 metric 77 table 100 src 10.0.0.1 mtu 1400 proto 12'],
    [{ destination: '10.244.2.0', prefixLength: 24, gateway: '10.0.0.2', table: 1000 }, '10.244.2.0/24 via 10.0.0.2 table 1000 proto static'],
    [{ destination: '0.0.0.0', prefixLength: 0, gateway: '10.0.0.2' }, 'default via 10.0.0.2 proto static'],
    [{ destination: '10.244.9.0', prefixLength: 24, type: 6 }, 'blackhole 10.244.9.0/24 proto static'],
    [{ destination: '10.244.2.0', prefixLength: 24, gateway: 'fd00::2', oif: true }, '10.244.2.0/24 via inet6 fd00::2 dev eth0 proto static'],
    [{ destination: 'fd01::', prefixLength: 64, gateway: 'fd00::2' }, 'fd01::/64 via fd00::2 proto static'],
    [{ destination: 'fd01::', prefixLength: 64, oif: true, priority: 5 }, 'fd01::/64 dev eth0 metric 5 proto static'],
    [{ destination: '::', prefixLength: 0, gateway: 'fd00::2', mtu: 1300 }, 'default via fd00::2 mtu 1300 proto static'],
  ])('%j', ({ oif, ...spec }, words) => withUnderlay('nlr', (left) => {
    using netlink = openNetlink({ netns: left });
    const route = { ...spec, ...(oif === true ? { oif: getLink(netlink, 'eth0').index } : {}) };
    const before = shown(left);
    // A blackhole has no interface, and its scope is the universe.
    netlink.request(addRoute(spec.type === 6 ? { ...route, scope: 0 } : route));
    const ours = shown(left);
    expect(ours).toHaveLength(before.length + 1);
    expect(() => netlink.request(addRoute(spec.type === 6 ? { ...route, scope: 0 } : route))).toThrow('EEXIST');
    netlink.request(replaceRoute(spec.type === 6 ? { ...route, scope: 0 } : route));
    expect(shown(left)).toEqual(ours);
    const read = listRoutes(netlink, { family: spec.destination.includes(':') ? 6 : 4, protocol: spec.protocol ?? 4 }).items;
    expect(read).toEqual([expect.objectContaining(asRead(route))]);
    netlink.request(deleteRoute(route));
    expect(shown(left)).toEqual(before);
    expect(() => netlink.request(deleteRoute(route))).toThrow('ESRCH');
    left.run(['ip', ...(spec.destination.includes(':') ? ['-6'] : []), 'route', 'add', ...words.split(' ')]);
    expect(shown(left)).toEqual(ours);
  }));
});

/** What a written route reads like. */
function asRead({ destination, prefixLength, gateway, oif, priority, table = 254, preferredSource, protocol = 4, mtu, type = 1 }: RouteSpec): Partial<Route> {
  const given = Object.fromEntries(Object.entries({ gateway, oif, priority, preferredSource, mtu }).filter(([, value]) => value !== undefined));
  return { destination: prefixLength === 0 ? undefined : destination, prefixLength, table, protocol, type, ...given };
}

test('several next hops, and the one that a packet would take', () => withUnderlay('nlm', (left) => {
  left.run('ip route add 10.244.0.0/16 proto static nexthop via 10.0.0.2 weight 1 nexthop via 10.0.0.3 dev eth0 weight 5 onlink'.split(' '));
  left.run('ip route add 10.9.0.0/24 via 10.0.0.2 table 100'.split(' '));
  left.run('ip rule add fwmark 7 table 100'.split(' '));
  using netlink = openNetlink({ netns: left });
  const oif = getLink(netlink, 'eth0').index;
  expect(listRoutes(netlink, { family: 4, protocol: 4 }).items).toEqual([expect.objectContaining({ destination: '10.244.0.0', multipath: [{ gateway: '10.0.0.2', oif, weight: 1, flags: 0 }, { gateway: '10.0.0.3', oif, weight: 5, flags: 4 }] })]);
  expect(lookUpRoute(netlink, '10.0.0.2')).toMatchObject({ destination: '10.0.0.2', oif, preferredSource: '10.0.0.1', gateway: undefined });
  expect(lookUpRoute(netlink, '10.244.1.1')).toMatchObject({ oif, gateway: expect.stringMatching(/^10\.0\.0\.[23]$/) });
  expect(lookUpRoute(netlink, '10.9.0.1', { mark: 7 })).toMatchObject({ oif, gateway: '10.0.0.2', table: 100 });
  expect(() => lookUpRoute(netlink, '10.9.0.1')).toThrow(expect.objectContaining({ errnoName: 'ENETUNREACH', operation: 'RTM_GETROUTE 10.9.0.1' }));
  expect(lookUpRoute(netlink, 'fd00::2')).toMatchObject({ family: 6, oif });
}));
