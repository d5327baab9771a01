import { describe, expect, it } from 'vitest';
import { difference, parseStack, parseStack6 } from '../../../../src/domain/vxlan/check/audit/counters.ts';
import { boundInodes } from '../../../../src/domain/vxlan/check/audit/udp-sockets.ts';
import { isInside, isMulticast, podAddresses, stateWord } from '../../../../src/domain/vxlan/check/audit/words.ts';
import { isAudit } from '../../../../src/domain/vxlan/check/peer/audit-shape.ts';
import { chooseTunnel } from '../../../../src/domain/vxlan/check/peer/choose.ts';
import { lookupsFor, tunnelTargets, underlayTargets } from '../../../../src/domain/vxlan/check/probe/targets.ts';
import { ratesBetween } from '../../../../src/domain/vxlan/traffic/rates.ts';
import { audit } from './situation.ts';

describe('what /proc prints', () => {
  it('becomes counters by name', () => {
    expect(parseStack('Ip: Forwarding InReceives\nIp: 1 23\nUdp: InDatagrams NoPorts\nUdp: 4 5\n')).toEqual({ 'Ip.Forwarding': 1, 'Ip.InReceives': 23, 'Udp.InDatagrams': 4, 'Udp.NoPorts': 5 });
    expect(parseStack6('Ip6InReceives                   \t12\nUdp6NoPorts  3\nUdpLite6InDatagrams 9\n')).toEqual({ 'Ip6.InReceives': 12, 'Udp6.NoPorts': 3 });
    expect(parseStack('')).toEqual({});
  });

  it('becomes what was counted between two readings', () => {
    const at = (value: number) => ({ tunnel: { txPackets: value }, underlay: {}, stack: { 'Udp.NoPorts': value, 'Ip.Forwarding': 1 } });
    expect(difference(at(3), at(5))).toEqual({ tunnel: { txPackets: 2 }, underlay: {}, stack: { 'Udp.NoPorts': 2 } });
  });

  it('names the sockets of a port', () => {
    const text = '  sl  local_address rem_address\n 3927: 00000000:12B5 00000000:0000 07 00000000:00000000 00:00000000 00000000     0        0 269202 2 0 0\n 1: 0100007F:0035 0:0 07 0:0 0:0 0 0 0 7 2 0 0\n';
    expect(boundInodes(text, 4789)).toEqual(['269202']);
    expect(boundInodes(text, 53)).toEqual(['7']);
    expect(boundInodes(text, 80)).toEqual([]);
  });
});

it.each([[0, 'NONE'], [2, 'REACHABLE'], [32, 'FAILED'], [128, 'PERMANENT'], [0xc0, 'PERMANENT']])('state %i is %s', (state, word) => expect(stateWord(state)).toBe(word));

it.each([['239.1.1.1', true], ['ff02::1', true], ['240.0.0.1', false], ['10.0.0.1', false], ['fd00::1', false]])('%s is multicast: %s', (address, yes) => expect(isMulticast(address)).toBe(yes));

it.each([
  ['10.200.0.2', '10.200.0.1/24', true], ['10.200.1.2', '10.200.0.1/24', false], ['10.200.0.1', '10.200.0.1/24', false], ['fd00::2', 'fd00::1/64', true], ['fd01::2', 'fd00::1/64', false],
  ['10.0.0.1', 'fd00::1/64', false], ['10.0.0.1', 'default', false],
])('%s is inside %s: %s', (address, network, yes) => expect(isInside(address, network)).toBe(yes));

describe('whom to try', () => {
  it('is each remote once, from the address that the tunnel has', () => {
    expect(underlayTargets(audit(1))).toEqual([{ to: '172.30.0.2', what: 'underlay', from: '172.30.0.1' }]);
    expect(underlayTargets(audit(1, { tunnel: { local: '172.30.0.77' } }))).toEqual([{ to: '172.30.0.2', what: 'underlay' }]);
  });

  it('is what routes and neighbours name, and with a peer also its pods', () => {
    expect(tunnelTargets(audit(1), [])).toEqual([{ to: '10.200.0.2', what: 'tunnel' }]);
    expect(tunnelTargets(audit(1), [audit(2)])).toEqual([{ to: '10.200.0.2', what: 'tunnel' }, { to: '10.244.2.1', from: '10.244.1.1', what: 'tunnel' }]);
  });

  it('are no networks that other programs made on both nodes', () => {
    const docker = (host: number) => audit(host, { addresses: [...audit(host).addresses, { device: 'docker0', address: '172.17.0.1', prefixLength: 16 }] });
    expect(lookupsFor(docker(1), [docker(2)])).toEqual(['10.244.2.1']);
    expect(podAddresses(docker(1).addresses, docker(1).routes, ['lo', 'eth0', 'vxlan100'])).toEqual(['10.244.1.1']);
  });
});

describe('the tunnel at the other end', () => {
  const own = { name: 'vxlan100', vni: 100 };

  it('has the same name, else the same VNI, else is the only one', () => {
    expect(chooseTunnel([{ name: 'a', vni: 100 }, { name: 'vxlan100', vni: 7 }], own, 'h2')).toBe('vxlan100');
    expect(chooseTunnel([{ name: 'a', vni: 100 }, { name: 'b', vni: 7 }], own, 'h2')).toBe('a');
    expect(chooseTunnel([{ name: 'a', vni: 5 }], own, 'h2')).toBe('a');
  });

  it('is refused where it cannot be told', () => {
    expect(() => chooseTunnel([{ name: 'a', vni: 5 }, { name: 'b', vni: 7 }], own, 'h2')).toThrow('h2 has no tunnel that could be the other end of vxlan100');
    expect(() => chooseTunnel([], own, 'h2')).toThrow('h2 has no tunnel');
  });
});

it.each<[string, unknown, boolean]>([
  ['an audit', { kind: 'VxlanAudit', audit: audit(2) }, true],
  ['an error', { kind: 'Error', message: 'no' }, false],
  ['one of another version', { kind: 'VxlanAudit', audit: { ...audit(2), remotes: undefined } }, false],
  ['nothing', null, false],
])('%s is told', (_, answer, yes) => expect(isAudit(JSON.parse(JSON.stringify(answer)))).toBe(yes));

it('rates are for one second, remotes the busiest first', () => {
  const rate = (packets: number) => ({ packets, bytes: packets * 100 });
  const at = (atMs: number, n: number) => ({
    atMs, device: { txPackets: n, rxPackets: 0, txDropped: n, rxErrors: n }, reasons: { NO_TX_TARGET: n, OLD: 5 }, moves: n,
    remotes: new Map([['10.0.0.2', { sent: rate(n), received: rate(0) }], ['10.0.0.3', { sent: rate(2 * n), received: rate(n) }]]),
  });
  expect(ratesBetween(at(0, 0), at(2000, 10))).toEqual({
    sent: { packets: 5, bytes: 0 }, received: { packets: 0, bytes: 0 }, drops: 10, reasons: { NO_TX_TARGET: 5 }, moves: 5,
    remotes: [{ address: '10.0.0.3', sent: rate(10), received: rate(5) }, { address: '10.0.0.2', sent: rate(5), received: rate(0) }],
  });
});
