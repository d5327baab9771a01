/** Real packets through real rules: the counters that go up must be those of one of the ways that `walkPacket` predicts. */
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import {
  parseSave, readPacket, readRouting, trailItems, walkPacket, type Family, type Origin, type PacketWords, type Ruleset, type WalkPath,
} from '../../../src/domain/netfilter/index.ts';
import { packetCounts } from '../../support/counters.ts';
import { IN_INTERFACE, makeForwarder, OUT_INTERFACE, settle, type Forwarder } from '../../support/forwarder.ts';
import type { FrameSpec } from '../../support/frames.ts';
import { everyKind, kubeRules } from '../../support/kube.ts';
import { requireRoot, requireTool } from '../../support/require.ts';

const CLIENT = '10.9.1.5';
const SERVICES = [
  ...everyKind,
  { namespace: 'x', name: 'self', protocol: 'udp' as const, clusterIP: '10.96.0.50', port: 53, endpoints: [{ address: '10.9.2.1', port: 5300 }] },
];

const OWN_FILTER = `:A - [0:0]
:B - [0:0]
:C - [0:0]
-A FORWARD -p udp -m udp --dport 1000:1999 -j A
-A FORWARD -p udp -m udp --dport 1500 -g B
-A FORWARD -p udp -m udp --dport 1000:1999 -j DROP
-A FORWARD -m conntrack --ctstate UNTRACKED
-A FORWARD -m mark --mark 0x7/0x7 -j REJECT --reject-with icmp-port-unreachable
-A FORWARD -m conntrack --ctstate DNAT
-A FORWARD -m connmark --mark 0x8/0xf
-A FORWARD -m conntrack --ctstate ESTABLISHED -j ACCEPT
-A A -p udp -m udp --dport 1100 -j RETURN
-A A -p udp -m udp --dport 1200 -g B
-A A -p udp -m udp --dport 1300 -j B
-A A -p udp -m udp --dport 1400 -j ACCEPT
-A A
-A B -p udp -m udp --dport 1300 -j C
-A B -j RETURN
-A C -j RETURN
-A INPUT -p udp -m udp --dport 5300
-A INPUT -p udp -m udp --dport 5301 -j DROP
-A OUTPUT -p udp -m udp --dport 4444 -j DROP
COMMIT
*raw
:PREROUTING ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 6000 -j CT --notrack
-A PREROUTING -m conntrack --ctstate INVALID
-A PREROUTING -m conntrack --ctstate NEW
-A OUTPUT
COMMIT
*mangle
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 6007 -j MARK --set-xmark 0x7/0xffffffff
-A PREROUTING -p udp -m udp --dport 6008 -j MARK --set-xmark 0x8/0xf
-A PREROUTING -i lo
-A PREROUTING -m mark --mark 0x8/0x8 -j CONNMARK --save-mark
-A INPUT
-A POSTROUTING -o ${OUT_INTERFACE}
-A POSTROUTING -o lo
COMMIT
`;

/** kube-proxy's tables with a firewall behind them, in one dump. */
const LEGACY = kubeRules({ services: SERVICES })
  .replace('COMMIT\n*filter', '-A PREROUTING -p udp -m udp --dport 7777 -j REDIRECT --to-ports 5300\nCOMMIT\n*filter')
  .replace(/COMMIT\n$/, OWN_FILTER);

const NFT = `*filter
:INPUT ACCEPT [0:0]
:FORWARD ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
-A FORWARD -p udp -m udp --dport 6100 -j DROP
-A FORWARD
-A INPUT -p udp -m udp --dport 5300
COMMIT
*nat
:PREROUTING ACCEPT [0:0]
:INPUT ACCEPT [0:0]
:OUTPUT ACCEPT [0:0]
:POSTROUTING ACCEPT [0:0]
-A PREROUTING -p udp -m udp --dport 6200 -j DNAT --to-destination 10.30.0.1:99
COMMIT
`;

let forwarder: Forwarder | undefined;
/** At one priority the hooks that were registered last run first: iptables-nft, which is loaded second. */
const rulesets: Ruleset[] = [
  parseSave(NFT, { family: 'ipv4', backend: 'nft', source: 'nft' }),
  parseSave(LEGACY, { family: 'ipv4', backend: 'legacy', source: 'legacy' }),
];
let port = 20_000;

beforeAll(() => {
  requireRoot();
  requireTool('python3');
});

afterAll(() => forwarder?.close());

beforeEach(async () => {
  port += 1;
  if (forwarder === undefined) {
    forwarder = makeForwarder();
    await forwarder.listen(5300, 5301);
  }
  loadAll();
});

const router = (): Forwarder => forwarder!;

/** Also sets all counters to zero. */
function loadAll(): void {
  router().load(LEGACY, 'ipv4', 'legacy');
  router().load(NFT, 'ipv4', 'nft');
}

/** A packet that the node refuses it may also answer: that answer is not the packet's way. */
const ANSWERS = /\/(OUTPUT|POSTROUTING)/;

interface Options {
  origin?: Origin;
  answered?: boolean;
  /** Judge by these instead of `rulesets`, which are loaded for every test. */
  by?: readonly Ruleset[];
  /** Compare these counters only. */
  only?: RegExp;
}

/** Sends, predicts, compares; returns the paths. */
async function follow(words: PacketWords, send: () => void, { origin = 'outside', answered = false, by = rulesets, only }: Options = {}): Promise<WalkPath[]> {
  const { packet, states } = readPacket(words);
  const { family } = packet;
  const routing = await readRouting(family, router().netns);
  const paths = await walkPacket({ rulesets: by, packet, states, origin, routing });
  const isCompared = (key: string): boolean => (only?.test(key) ?? true) && !(answered && ANSWERS.test(key));
  const predicted = paths.map((path) => countText(predictedCounts(path), isCompared));
  send();
  const counted = await settle(() => countText(realCounts(family), isCompared), (text) => predicted.includes(text));
  expect(predicted).toContain(counted);
  return paths;
}

function predictedCounts(path: WalkPath): [string, number][] {
  const counts = new Map<string, number>();
  for (const { kind, backend, table, chain, number } of trailItems(path.steps)) {
    if (kind === 'routing' || kind === 'hotdrop') continue;
    const key = `${backend} ${table}/${chain}${number === undefined ? '' : `#${number}`}`;
    counts.set(key, (counts.get(key) ?? 0) + 1);
  }
  return [...counts];
}

function realCounts(family: Family): [string, number][] {
  return (['legacy', 'nft'] as const).flatMap((backend) =>
    [...packetCounts(router().save(family, backend), family, backend)].map(([key, count]): [string, number] => [`${backend} ${key}`, count]));
}

function countText(counts: readonly [string, number][], isCompared: (key: string) => boolean): string {
  return counts.filter(([key]) => isCompared(key)).map(([key, count]) => `${key} ${count}`).sort().join('\n');
}

const frame = (from: string, fromPort: number, to: string, toPort: number, protocol: number): FrameSpec => ({
  source: from, sourcePort: fromPort, destination: to, destinationPort: toPort, protocol, tcpFlags: 2, ttl: 64, inInterface: '', outInterface: '',
});

const forward = (proto: 'udp' | 'tcp', to: string, toPort: number, options: Options = {}): Promise<WalkPath[]> =>
  follow({ proto, from: `${CLIENT}:${port}`, to: `${to}:${toPort}`, in: IN_INTERFACE },
    () => router().send([frame(CLIENT, port, to, toPort, proto === 'udp' ? 17 : 6)]), options);

const sendOwn = (from: string, to: string, toPort: number): Promise<WalkPath[]> =>
  follow({ proto: 'udp', from: `${from}:${port}`, to: `${to}:${toPort}` }, () => router().sendOwn([from, port], [to, toPort]), { origin: 'local' });

const ends = (paths: readonly WalkPath[]): unknown[] => paths.map(({ end }) => end);

describe('a forwarded packet', () => {
  it.each([
    ['no rule of ours', 9, 'accept'],
    ['a user chain to its end', 1000, 'drop'],
    ['RETURN from a user chain', 1100, 'drop'],
    ['goto from a user chain, which returns to the base chain', 1200, 'drop'],
    ['nested jumps', 1300, 'drop'],
    ['ACCEPT in a user chain', 1400, 'accept'],
    ['goto from the base chain, which ends at its policy', 1500, 'accept'],
    ['NOTRACK, past the nat table', 6000, 'accept'],
    ['a mark and its copy on the connection', 6008, 'accept'],
    ['a drop by the other backend', 6100, 'drop'],
    ['DNAT by the other backend, past our nat table', 6200, 'accept'],
  ])('meets %s', async (_, toPort, end) => {
    expect(ends(await forward('udp', '10.20.0.1', toPort))).toEqual([end]);
  });

  it('is rejected by a mark that another table set', async () => {
    expect(ends(await forward('udp', '10.20.0.1', 6007, { answered: true }))).toEqual(['reject']);
  });

  it('belongs to an established connection, past the nat table', async () => {
    router().send([frame(CLIENT, port, '10.20.0.1', 9, 17)]);
    loadAll();
    const words = { proto: 'udp', from: '10.20.0.1:9', to: `${CLIENT}:${port}`, in: OUT_INTERFACE, state: 'ESTABLISHED' };
    expect(ends(await follow(words, () => router().sendBack([frame('10.20.0.1', 9, CLIENT, port, 17)])))).toEqual(['accept']);
  });
});

describe('a packet to a service', () => {
  it('goes to one of the backends', async () => {
    const paths = await forward('udp', '10.96.0.10', 53);
    expect(ends(paths)).toEqual(['accept', 'accept']);
    expect(paths.map(({ probability }) => probability)).toEqual([0.5, 0.5]);
  });

  it('goes to one of the backends with affinity', async () => {
    expect(new Set(ends(await forward('tcp', '10.96.0.1', 80)))).toEqual(new Set(['accept']));
  });

  it.each([
    ['an external address with local backends', '203.0.113.9', 80, 'accept', false],
    ['a load balancer that refuses the source', '198.51.100.7', 80, 'drop', true],
    ['no endpoints', '10.96.0.30', 80, 'reject', true],
    ['a node port', '10.9.1.1', 30443, 'accept', false],
  ])('meets %s', async (_, to, toPort, end, answered) => {
    expect(new Set(ends(await forward('tcp', to, toPort, { answered })))).toEqual(new Set([end]));
  });

  it('is dropped without a local endpoint', async () => {
    expect(ends(await forward('udp', '10.96.0.40', 9))).toEqual(['drop']);
  });

  it('comes back to the node itself', async () => {
    expect(ends(await forward('udp', '10.96.0.50', 53))).toEqual(['accept']);
  });
});

describe('a packet to the node', () => {
  it.each([['is accepted', '10.9.1.1', 5300, 'accept'], ['is dropped', '10.9.1.1', 5301, 'drop'], ['is redirected', '10.20.0.1', 7777, 'accept']])(
    '%s', async (_, to, toPort, end) => expect(ends(await forward('udp', to, toPort))).toEqual([end]));
});

describe('a packet of the node itself', () => {
  it.each([
    ['leaves', '10.9.2.1', '10.20.0.1', 99, ['accept']],
    ['is dropped', '10.9.2.1', '10.20.0.1', 4444, ['drop']],
    ['comes back over the loopback device', '10.9.2.1', '10.9.1.1', 5300, ['accept']],
    ['stays on the loopback device', '127.0.0.1', '127.0.0.1', 5300, ['accept']],
    ['goes to a service', '10.9.2.1', '10.96.0.10', 53, ['accept', 'accept']],
    ['goes to a service on the node', '10.9.2.1', '10.96.0.50', 53, ['accept']],
  ])('%s', async (_, from, to, toPort, end) => expect(ends(await sendOwn(from, to, toPort))).toEqual(end));
});

/** Nothing but the user chains, so that the other backend can be asked the same. */
const CHAINS = `*filter\n:INPUT ACCEPT [0:0]\n:FORWARD ACCEPT [0:0]\n:OUTPUT ACCEPT [0:0]\n${OWN_FILTER
  .split('COMMIT')[0]!.split('\n').filter((line) => /^:|1[0-5]00|^-A [ABC] /.test(line)).join('\n')}\nCOMMIT\n`;

it.each([[1000, 'drop'], [1100, 'drop'], [1200, 'drop'], [1300, 'drop'], [1400, 'accept'], [1500, 'accept']])(
  'iptables-nft walks user chains alike: port %i', async (toPort, end) => {
    const [other, by] = [CHAINS.replace(/-A .*\n/g, ''), [parseSave(CHAINS, { family: 'ipv4', backend: 'nft', source: 'nft' })]];
    router().load(other, 'ipv4', 'legacy');
    router().load(CHAINS, 'ipv4', 'nft');
    expect(ends(await forward('udp', '10.20.0.1', toPort, { by, only: /^nft filter/ }))).toEqual([end]);
  });

it.each(['legacy', 'nft'] as const)('an IPv6 service is followed in %s', async (backend) => {
  const endpoints = [{ address: 'fd00:10:244::2', port: 8080 }, { address: 'fd00:10:244::3', port: 8080 }];
  const text = kubeRules({
    family: 'ipv6', services: [{ namespace: 'a', name: 'b', protocol: 'udp', clusterIP: 'fd00:96::1', port: 80, affinitySeconds: 60, endpoints }],
  });
  router().load(text, 'ipv6', backend);
  const paths = await follow({ proto: 'udp', from: `[fd09:1::5]:${port}`, to: '[fd00:96::1]:80', in: IN_INTERFACE },
    () => router().send([frame('fd09:1::5', port, 'fd00:96::1', 80, 17)]),
    { by: [parseSave(text, { family: 'ipv6', backend, source: 'kube' })], only: new RegExp(`^${backend} (nat|filter/FORWARD)`) });
  expect(new Set(ends(paths))).toEqual(new Set(['accept']));
  router().load(text.replace(/^-A .*\n/gm, ''), 'ipv6', backend);
});
