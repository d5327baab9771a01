import { describe, expect, it } from 'vitest';
import { examineRule, parseSave, readPacket, ruleMatches, type AddressType, type Answer, type Packet, type Rule } from '../../../../src/domain/netfilter/index.ts';

function rule(text: string): Rule {
  const save = `*filter\n:FORWARD ACCEPT [0:0]\n-A FORWARD ${text}\nCOMMIT\n`;
  return parseSave(save, { family: 'ipv4', backend: 'legacy', source: 'test' }).tables[0]!.chains[0]!.rules[0]!;
}

const surroundings = { backend: 'legacy' as const, addressType: ([word]: readonly number[]): AddressType => (word === 0x0a000001 ? 'LOCAL' : 'UNICAST') };

function judge(text: string, change: Partial<Packet> = {}): Answer {
  const { packet, states } = readPacket({ proto: 'tcp', from: '192.0.2.7', to: '10.0.0.1:80', in: 'eth0' });
  return ruleMatches(rule(text), { ...packet, states, ...change }, surroundings);
}

describe('what is not known', () => {
  it.each<[string, Answer]>([
    ['-p tcp -m tcp --sport 1024:65535', 'unknown'],
    ['-p tcp -m tcp --sport 0:65535', true],
    ['-p udp -m udp --sport 53', false],
    ['-o eth1', 'unknown'],
    ['-o +', true],
    ['-o eth1 -p udp', false],
    ['-m set --match-set blocked src', 'unknown'],
    ['-m set --match-set blocked src -p udp', false],
    ['-p tcp -m multiport --ports 80,443', true],
    ['-p tcp -m multiport --ports 443', 'unknown'],
    ['-p tcp -m multiport --sports 443', 'unknown'],
    ['-p tcp -m tcp --tcp-option 5', 'unknown'],
    ['-m statistic --mode random --probability 0.5', 'unknown'],
    ['-m conntrack --ctstate NEW --ctdir ORIGINAL', 'unknown'],
    ['-m conntrack --ctstate INVALID --ctdir ORIGINAL', false],
  ])('%s: %s', (text, answer) => expect(judge(text)).toBe(answer));

  it('says what is missing', () => {
    const { packet, states } = readPacket({ proto: 'tcp', from: '192.0.2.7', to: '10.0.0.1:80' });
    const missing = rule('-i eth0 -p tcp -m tcp --sport 5 -m set --match-set a src');
    expect(examineRule(missing, { ...packet, states }, surroundings).unknown).toEqual(['input interface', 'source port', 'set']);
  });
});

describe('a drop for a missing header', () => {
  const short = { header: { fragmentOffset: 0, bytes: 4 } };

  it.each<[string, Answer]>([
    ['-p tcp -m tcp --dport 80', 'hotdrop'],
    ['-p udp -m udp --dport 80', false],
    ['-p tcp -m multiport --dports 80', true],
    ['-m mark --mark 0x1 -p tcp -m tcp --dport 80', false],
    ['-m set --match-set a src -p tcp -m tcp --dport 80', 'unknown'],
  ])('%s: %s', (text, answer) => expect(judge(text, short)).toBe(answer));
});

describe('connection state', () => {
  it.each<[Packet['states'], string, Answer]>([
    [['NEW', 'DNAT'], '--ctstate DNAT', true],
    [['NEW', 'DNAT'], '! --ctstate DNAT', false],
    [['NEW', 'DNAT'], '--ctstate ESTABLISHED,DNAT', true],
    [['NEW'], '! --ctstate DNAT', true],
    [['INVALID'], '--ctstate INVALID --ctstatus ASSURED', true],
    [['INVALID'], '--ctstatus ASSURED', false],
    [['INVALID'], '! --ctstatus ASSURED', false],
    [['UNTRACKED'], '--ctstate UNTRACKED', true],
  ])('%j %s: %s', (states, test, answer) => expect(judge(`-m conntrack ${test}`, { states })).toBe(answer));
});

describe('matches that the model keeps as text', () => {
  it.each<[string, Answer]>([
    ['-m addrtype --dst-type LOCAL', true],
    ['-m addrtype --src-type LOCAL', false],
    ['-m addrtype ! --src-type LOCAL --dst-type LOCAL', true],
    ['-m addrtype --dst-type UNICAST,BROADCAST', false],
    ['-m addrtype --dst-type LOCAL --limit-iface-in', 'unknown'],
    ['-m recent --set --name A', true],
    ['-m recent --rcheck --seconds 60 --name A', 'unknown'],
  ])('%s: %s', (text, answer) => expect(judge(text)).toBe(answer));
});
