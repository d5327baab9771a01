/** Large tables read beside `ip -j` and `bridge -j`: 10,000 links, 100,000 forwarding entries, 100,000 routes. */

import { addFdb, addRoute, createLink, getLink, listRoutes, type NetlinkSocket, openNetlink, type Request, vxlanData } from '../../../src/kernel/netlink/index.ts';
import { neighbour as nd, rtnetlink } from '../../../src/kernel/uapi/index.ts';
import { type Netns, sluiceCommand, withNetns } from '../../support/sluice.ts';
import { type Timed, timeCommands, type Timing, timingTable } from '../timing.ts';
import type { Bench, Say } from '../topic.ts';

const TURNS = 7;
const LINKS = 10_000;
const ENTRIES = 100_000;
const ROUTES = 100_000;
const { RT_TABLE_MAIN } = rtnetlink;

export const bench: Bench = async ({ say }) => ({ links: await benchLinks(say), entries: await benchEntries(say), routes: await benchRoutes(say) });

const benchLinks = (say: Say): Promise<Timing[]> => withNetns('bl', (netns) => {
  using netlink = openNetlink({ netns });
  fill(say, netlink, `${LINKS} links`, LINKS, (n) => createLink({ name: `vx${n}`, kind: 'vxlan', data: vxlanData({ vni: n + 1, port: 4789 }) }));
  return compare(say, [
    { name: 'ip -d -j address', argv: inside(netns, ['ip', '-d', '-j', 'address']) },
    { name: 'sluice link list -o json', argv: ours(netns, ['link', 'list', '-o', 'json']) },
    { name: 'sluice link list', argv: ours(netns, ['link', 'list']) },
    { name: 'sluice vxlan list', argv: ours(netns, ['vxlan', 'list']) },
  ]);
});

const benchEntries = (say: Say): Promise<Timing[]> => withNetns('bf', (netns) => {
  using netlink = openNetlink({ netns });
  netlink.request(createLink({ name: 'vx0', kind: 'vxlan', data: vxlanData({ vni: 1, port: 4789 }) }));
  const ifindex = getLink(netlink, 'vx0').index;
  fill(say, netlink, `${ENTRIES} forwarding entries`, ENTRIES, (n) => addFdb({ ifindex, lladdr: `02:00:00${hex(n)}`, destination: dotted(n), flags: nd.NTF_SELF, state: nd.NUD_PERMANENT | nd.NUD_NOARP }, 'create', 'vx0'));
  return compare(say, [
    { name: 'bridge -s -j fdb show', argv: inside(netns, ['bridge', '-s', '-j', 'fdb', 'show', 'dev', 'vx0']) },
    { name: 'sluice fdb list -o json', argv: ours(netns, ['fdb', 'list', 'vx0', '-o', 'json']) },
    { name: 'sluice fdb list', argv: ours(netns, ['fdb', 'list', 'vx0']) },
  ]);
});

/** No command lists routes alone: the reader that commands use is timed inside this process, so without the start of one. */
const benchRoutes = (say: Say): Promise<Timing[]> => withNetns('br', async (netns) => {
  using netlink = openNetlink({ netns });
  fill(say, netlink, `${ROUTES} routes`, ROUTES, (n) => addRoute({ destination: dotted(n), prefixLength: 32, oif: 1 }));
  const timings = await timeCommands([{ name: 'ip -j route', argv: inside(netns, ['ip', '-j', 'route']) }], TURNS);
  const runs = Array.from({ length: TURNS }, () => timeReader(netlink)).sort((a, b) => a - b);
  const all = [...timings, { name: 'the route reader, to JSON', medianMs: runs[Math.floor(TURNS / 2)]!, leastMs: runs[0]!, peakMiB: 0 }];
  say(timingTable(all));
  return all;
});

function timeReader(netlink: NetlinkSocket): number {
  const start = performance.now();
  const { items } = listRoutes(netlink, { family: 4, table: RT_TABLE_MAIN });
  const text = JSON.stringify(items);
  if (items.length !== ROUTES || text.length < ROUTES) throw new Error(`${items.length} routes were read`);
  return performance.now() - start;
}

function fill(say: Say, netlink: NetlinkSocket, what: string, count: number, request: (n: number) => Request): void {
  const start = performance.now();
  netlink.runAll(Array.from({ length: count }, (_, n) => request(n)));
  say(`\n${what}, written in ${Math.round(performance.now() - start)} ms\n`);
}

async function compare(say: Say, commands: readonly Timed[]): Promise<Timing[]> {
  const timings = await timeCommands(commands, TURNS);
  say(timingTable(timings));
  return timings;
}

const inside = (netns: Netns, argv: readonly string[]): string[] => ['nsenter', `--net=${netns.path}`, '--', ...argv];
const ours = (netns: Netns, argv: readonly string[]): string[] => sluiceCommand([...argv, '--netns', netns.name]);
const bytes = (n: number): number[] => [n >> 16, (n >> 8) & 255, n & 255];
const dotted = (n: number): string => `10.${bytes(n).join('.')}`;
const hex = (n: number): string => bytes(n).map((byte) => `:${byte.toString(16).padStart(2, '0')}`).join('');
