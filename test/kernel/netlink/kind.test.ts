import { execFileSync } from 'node:child_process';
import { beforeAll, expect, test } from 'vitest';
import { decodeKind, decodePort, getLink, openNetlink } from '../../../src/kernel/netlink/index.ts';
import { requireRoot } from '../../support/require.ts';
import { withNetns } from '../../support/sluice.ts';

beforeAll(() => requireRoot());

type Facts = Readonly<Record<string, unknown>>;

/** What `ip -d -j link` calls a fact, and what it makes of our value; undefined where it leaves the fact out. */
type Names = Readonly<Record<string, (facts: Facts) => unknown>>;

const same = (name: string) => (facts: Facts): unknown => facts[name];
const centi = (name: string) => (facts: Facts): unknown => Math.round((facts[name] as number) * 100);
const bit = (name: string) => (facts: Facts): unknown => Number(facts[name]);
const shown = (name: string) => (facts: Facts): unknown => facts[name] === true || undefined;

const VXLAN: Names = {
  id: same('vni'), group: (facts) => (String(facts['group']).startsWith('239') ? facts['group'] : undefined), remote: (facts) => (String(facts['group']).startsWith('10.') ? facts['group'] : undefined),
  local: same('local'), port: same('port'), tos: (facts) => (facts['tos'] === 0 ? undefined : `0x${(facts['tos'] as number).toString(16)}`),
  ttl: same('ttl'), df: same('df'), learning: same('learning'), ageing: same('ageingSeconds'),
  port_range: same('sourcePorts'), proxy: shown('proxy'), l2miss: shown('l2miss'), l3miss: shown('l3miss'), gbp: shown('gbp'), external: shown('external'), vnifilter: shown('vniFilter'),
  udp_csum: same('udpChecksum'), udp_zero_csum6_tx: same('udpZeroChecksum6Tx'), udp_zero_csum6_rx: same('udpZeroChecksum6Rx'), rsc: shown('rsc'), limit: (facts) => (facts['limit'] === 0 ? undefined : facts['limit']),
};
const BRIDGE: Names = {
  forward_delay: centi('forwardDelaySeconds'), hello_time: centi('helloSeconds'), max_age: centi('maxAgeSeconds'), ageing_time: centi('ageingSeconds'), stp_state: (facts) => (facts['stp'] === 'off' ? 0 : 1),
  priority: same('priority'), vlan_filtering: bit('vlanFiltering'), mcast_snooping: bit('multicastSnooping'), mcast_hash_max: same('multicastHashMax'), nf_call_iptables: bit('callsIptables'), group_addr: same('groupAddress'),
  root_port: same('rootPort'), root_path_cost: same('rootPathCost'), mcast_igmp_version: same('igmpVersion'), vlan_protocol: same('vlanProtocol'),
};
const PORT: Names = {
  state: same('state'), priority: same('priority'), cost: same('cost'), hairpin: same('hairpin'), guard: same('guard'), root_block: same('rootBlock'), fastleave: same('fastLeave'), learning: same('learning'),
  flood: same('flood'), proxy_arp: same('proxyArp'), neigh_suppress: same('neighbourSuppression'), isolated: same('isolated'), mcast_flood: same('multicastFlood'), bcast_flood: same('broadcastFlood'), locked: same('locked'),
};
const MACVLAN: Names = { mode: same('mode') };
const TUN: Names = { type: same('type'), pi: same('packetInformation'), vnet_hdr: same('vnetHeader'), multi_queue: same('multiQueue'), persist: same('persistent') };

test.each<[string, string, Names, string?]>([
  ['vxlan', 'vx type vxlan id 42 dev eth0 local 10.0.0.1 remote 10.0.0.2 dstport 4790 ttl 7 tos 0x10 df inherit nolearning proxy l2miss l3miss gbp srcport 5000 6000 ageing 9 maxaddress 77 noudpcsum rsc', VXLAN],
  ['vxlan', 'vx type vxlan id 43 dev eth0 group 239.1.1.1 dstport 4789 tos inherit udp6zerocsumtx', VXLAN],
  ['vxlan', 'vx type vxlan external vnifilter dstport 4789', VXLAN],
  ['bridge', 'vx type bridge forward_delay 400 hello_time 150 max_age 1900 ageing_time 12345 priority 4096 stp_state 1 mcast_snooping 0', BRIDGE],
  ['port of a bridge', 'vx type veth peer name vy', PORT, 'ip link set vx type bridge_slave cost 9 priority 5 learning off flood off isolated on neigh_suppress on hairpin on guard on'],
  ['macvlan', 'link eth0 name vx type macvlan mode passthru', MACVLAN],
])('%s is decoded as `ip` decodes it: %s', (what, words, names, more) => withNetns('nlk', (netns) => {
  netns.run(['ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'peer0']);
  netns.run(['ip', 'link', 'add', 'br0', 'type', 'bridge']);
  netns.run(['ip', 'link', 'add', ...words.split(' ')]);
  const port = what.startsWith('port');
  if (port) netns.run(['ip', 'link', 'set', 'vx', 'master', 'br0']);
  if (more !== undefined) netns.run(more.split(' '));
  const { ours, theirs } = both(netns.name, names, port);
  expect(ours).toEqual(theirs);
}));

test('tun and tap are decoded as `ip` decodes them', () => withNetns('nlt', (netns) => {
  for (const words of ['tun', 'tap multi_queue vnet_hdr', 'tun pi']) {
    netns.run(['ip', 'tuntap', 'add', 'vx', 'mode', ...words.split(' ')]);
    const { ours, theirs } = both(netns.name, TUN, false);
    expect(ours).toEqual(theirs);
    netns.run(['ip', 'tuntap', 'del', 'vx', 'mode', ...words.split(' ').slice(0, words.includes('multi_queue') ? 2 : 1)]);
  }
}));

/** The facts that are named, as we read them and as `ip` does. */
function both(netns: string, names: Names, port: boolean): { ours: unknown; theirs: unknown } {
  using netlink = openNetlink({ netns: { path: `/run/netns/${netns}` } });
  const { kind, kindData, portKind, portData } = getLink(netlink, 'vx');
  const facts: Facts = port ? decodePort(portKind!, portData!) : decodeKind(kind!, kindData!);
  const info = nativeInfo(netns);
  const theirs = info[port ? 'info_slave_data' : 'info_data'] as Facts;
  const ours = Object.fromEntries(Object.entries(names).map(([name, make]) => [name, make(facts)]));
  return { ours: JSON.parse(JSON.stringify(ours)), theirs: Object.fromEntries(Object.keys(names).flatMap((name) => (name in theirs ? [[name, theirs[name]]] : []))) };
}

function nativeInfo(netns: string): Facts {
  const [link] = JSON.parse(execFileSync('ip', ['-n', netns, '-d', '-j', 'link', 'show', 'dev', 'vx'], { encoding: 'utf8' })) as { linkinfo: Facts }[];
  return link!.linkinfo;
}
