import { describe, expect, it } from 'vitest';
import {
  parseSave, readPacket, statedRouting, summarizeWalk, walkPacket, type PacketWords, type StatedRouting, type WalkSummary,
} from '../../../../src/domain/netfilter/index.ts';
import { parseAddress } from '../../../../src/lib/ip.ts';

const filter = (...lines: string[]): string => ['*filter', ':INPUT ACCEPT [0:0]', ':FORWARD DROP [0:0]', ':OUTPUT ACCEPT [0:0]', ...lines, 'COMMIT', ''].join('\n');
const nat = (...lines: string[]): string => ['*nat', ':PREROUTING ACCEPT [0:0]', ':OUTPUT ACCEPT [0:0]', ':POSTROUTING ACCEPT [0:0]', ...lines, 'COMMIT', ''].join('\n');

async function walk(text: string, words: Partial<PacketWords> = {}, routing: StatedRouting = {}): Promise<WalkSummary> {
  const { packet, states } = readPacket({ proto: 'tcp', from: '192.0.2.7:40000', to: '10.0.0.9:80', in: 'eth0', ...words });
  const ruleset = parseSave(text, { family: packet.family, backend: 'legacy', source: 'test' });
  const origin = routing.hook === 'local-out' ? 'local' : 'outside';
  return summarizeWalk(await walkPacket({ rulesets: [ruleset], packet, states, origin, routing: statedRouting(routing) }));
}

const trail = ({ steps }: WalkSummary): string[] =>
  steps.filter(({ kind }) => kind !== 'routing').map(({ table, chain, number, action }) => `${table}/${chain}${number === undefined ? '' : `#${number}`} ${action}`);

describe('chains', () => {
  it('come back from a jump, but not from a goto', async () => {
    const text = filter(':A - [0:0]', ':B - [0:0]', '-A FORWARD -j A', '-A FORWARD -g B', '-A FORWARD -j ACCEPT', '-A A -g B', '-A A -j ACCEPT', '-A B');
    expect(trail(await walk(text))).toEqual([
      'filter/FORWARD#1 jump A', 'filter/A#1 goto B', 'filter/B#1 count', 'filter/FORWARD#2 goto B', 'filter/B#1 count', 'filter/FORWARD policy DROP',
    ]);
  });

  it('end at the policy for RETURN in a base chain', async () => {
    const summary = await walk(filter('-A FORWARD -j RETURN', '-A FORWARD -j ACCEPT'));
    expect(trail(summary)).toEqual(['filter/FORWARD#1 RETURN', 'filter/FORWARD policy DROP']);
    expect(summary).toMatchObject({ verdict: 'drop', decidedAt: 2 });
  });
});

describe('hostile rulesets', () => {
  it.each([
    ['a chain that calls itself', filter(':A - [0:0]', '-A FORWARD -j A', '-A A -j A')],
    ['a circle of gotos', filter(':A - [0:0]', ':B - [0:0]', '-A A -g B', '-A B -g A')],
  ])('are refused: %s', async (_, text) => {
    await expect(walk(text)).rejects.toThrow(/calls itself/);
  });

  it('are walked however deep', async () => {
    const depth = 10_000;
    const chains = Array.from({ length: depth }, (_, index) => `:C${index} - [0:0]`);
    const jumps = Array.from({ length: depth - 1 }, (_, index) => `-A C${index} -j C${index + 1}`);
    const summary = await walk(filter(...chains, '-A FORWARD -j C0', ...jumps, `-A C${depth - 1} -j ACCEPT`));
    expect(summary).toMatchObject({ verdict: 'accept', decidedAt: depth + 1 });
  });

  it('are given up when chains call others again and again', async () => {
    const chains = Array.from({ length: 40 }, (_, index) => `:C${index} - [0:0]`);
    const twice = Array.from({ length: 39 }, (_, index) => [`-A C${index} -j C${index + 1}`, `-A C${index} -j C${index + 1}`]).flat();
    expect(await walk(filter(...chains, '-A FORWARD -j C0', ...twice))).toMatchObject({ verdict: 'undetermined', reasons: ['the packet passes too many rules'] });
  });
});

describe('the way through the tables', () => {
  it('keeps what one table changed for the next', async () => {
    const mangle = '*mangle\n:PREROUTING ACCEPT [0:0]\n-A PREROUTING -j MARK --set-xmark 0x10/0xff\nCOMMIT\n';
    expect((await walk(mangle + filter('-A FORWARD -m mark --mark 0x10 -j ACCEPT'))).verdict).toBe('accept');
  });

  it('shows the filter table the destination behind DNAT', async () => {
    const text = nat('-A PREROUTING -d 10.0.0.9/32 -p tcp -m tcp --dport 80 -j DNAT --to-destination 10.1.0.5:8080')
      + filter('-A FORWARD -d 10.1.0.5/32 -p tcp -m tcp --dport 8080 -m conntrack --ctstate DNAT -j ACCEPT');
    expect((await walk(text)).verdict).toBe('accept');
    expect((await walk(text, { state: 'ESTABLISHED' })).verdict).toBe('drop');
  });

  it('delivers what DNAT sends to the node itself', async () => {
    const text = nat('-A PREROUTING -j DNAT --to-destination 10.0.0.1') + filter('-A INPUT -j DROP');
    expect(await walk(text, {}, { localAddresses: [parseAddress('10.0.0.1')!] })).toMatchObject({ verdict: 'drop' });
  });

  it('brings a packet of the node to itself back in', async () => {
    const summary = await walk(filter('-A OUTPUT -o lo', '-A INPUT -i lo -j DROP'), { from: '127.0.0.1', to: '127.0.0.1:80', in: undefined }, { hook: 'local-out' });
    expect(trail(summary)).toEqual(['filter/OUTPUT#1 count', 'filter/OUTPUT policy ACCEPT', 'filter/INPUT#1 DROP']);
  });

  it('follows REDIRECT to an address that is not known', async () => {
    const text = nat('-A PREROUTING -p tcp -j REDIRECT --to-ports 3128') + filter('-A INPUT -p tcp -m tcp --dport 3128 -j DROP');
    expect((await walk(text)).verdict).toBe('drop');
  });

  it('walks IPv6', async () => {
    const text = nat('-A PREROUTING -j DNAT --to-destination [fd00::5]:8080') + filter('-A FORWARD -d fd00::5/128 -p tcp -m tcp --dport 8080 -j ACCEPT');
    expect((await walk(text, { from: '[2001:db8::1]:40000', to: '[fd00::9]:80' })).verdict).toBe('accept');
  });
});

describe('what cannot be told', () => {
  it('is told when it makes no difference', async () => {
    const summary = await walk(filter('-A FORWARD -m set --match-set a src -j REJECT', '-A FORWARD -j DROP'));
    expect(summary.verdict).toBe('drop');
    expect(summary.doubtful.map(({ rule }) => rule.number)).toEqual([1]);
  });

  it('names the rules that make the difference', async () => {
    const summary = await walk(filter('-A FORWARD -m set --match-set a src -j ACCEPT'));
    expect(summary).toMatchObject({ verdict: 'undetermined', reasons: ['depends on filter/FORWARD#1 (set)'] });
  });

  it('does not split over rules that only count or log', async () => {
    const logs = Array.from({ length: 40 }, () => '-A FORWARD -m limit --limit 1/sec -j LOG');
    const summary = await walk(filter(...logs, '-A FORWARD -j ACCEPT'));
    expect(summary).toMatchObject({ verdict: 'accept', doubtful: [] });
    expect(summary.steps.filter(({ assumed }) => assumed)).toHaveLength(40);
  });

  it('gives up before the possibilities run away', async () => {
    const jumps = Array.from({ length: 40 }, () => '-A FORWARD -m set --match-set a src -j A');
    const summary = await walk(filter(':A - [0:0]', ...jumps, '-A A -j MARK --set-xmark 0x1/0x1'));
    expect(summary).toMatchObject({ verdict: 'undetermined' });
    expect(summary.reasons[0]).toMatch(/too many possibilities/);
  });

  it('is left to a program that gets the packet', async () => {
    expect(await walk(filter('-A FORWARD -j NFQUEUE --queue-num 0'))).toMatchObject({ verdict: 'undetermined', reasons: ['NFQUEUE decides'] });
  });
});

describe('backends', () => {
  const balancer = (...verdicts: string[]): string =>
    nat('-A PREROUTING -m statistic --mode random --probability 0.50000000000 -j DNAT --to-destination 10.1.0.1', '-A PREROUTING -j DNAT --to-destination 10.1.0.2')
    + filter(...verdicts);

  it('are counted when they agree', async () => {
    expect(await walk(balancer('-A FORWARD -j ACCEPT'))).toMatchObject({ verdict: 'accept', backends: { total: 2, accepted: 2, refused: 0 } });
  });

  it('leave the verdict open when they do not', async () => {
    expect(await walk(balancer('-A FORWARD -d 10.1.0.1/32 -j ACCEPT'))).toMatchObject({
      verdict: 'undetermined', backends: { total: 2, accepted: 1, refused: 1 }, reasons: ['of 2 backends 1 would be reached and 1 not'],
    });
  });
});
