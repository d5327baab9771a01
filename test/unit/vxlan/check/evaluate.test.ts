import { describe, expect, it } from 'vitest';
import { CHECKS } from '../../../../src/domain/vxlan/check/checks/index.ts';
import { evaluate } from '../../../../src/domain/vxlan/check/evaluate.ts';
import type { Situation } from '../../../../src/domain/vxlan/check/model.ts';
import { audit, end, situation } from './situation.ts';

const OTHER = { name: 'other', port: 4789, up: true, ipv6: false, gbp: false, gpe: false };

const found = (of: Situation): string[] => evaluate(of).filter(({ findings }) => findings.length > 0).map(({ id, result }) => `${id} ${result}`);

describe('the catalogue', () => {
  it('has an id, a name and a title for each check, none twice', () => {
    expect(CHECKS.every(({ id }) => /^VX\d{3}$/.test(id))).toBe(true);
    for (const key of ['id', 'name', 'title'] as const) expect(new Set(CHECKS.map((check) => check[key])).size).toBe(CHECKS.length);
  });

  it('explains findings only by checks that there are, and never in a circle', () => {
    const ids = CHECKS.map(({ id }) => id);
    expect(CHECKS.flatMap(({ explainedBy = [] }) => explainedBy).filter((id) => !ids.includes(id))).toEqual([]);
    const by = new Map(CHECKS.map(({ id, explainedBy = [] }) => [id, explainedBy]));
    expect(CHECKS.filter(({ id }) => by.get(id)!.some((cause) => by.get(cause)!.includes(id))).map(({ id }) => id)).toEqual([]);
  });
});

describe('checks', () => {
  it('find nothing at two ends that reach each other', () => {
    expect(found(situation())).toEqual([]);
    expect(evaluate(situation()).every(({ result }) => result === 'ok')).toBe(true);
  });

  it('ask about the other end only where there is one, and about packets only where some were sent', () => {
    const { firewall: _, ...unread } = audit(1);
    const blind = end('here', unread, { sawDrops: false });
    const alone = evaluate({ ...situation(), here: blind, peers: [], static: true }).filter(({ result }) => result === 'skip').map(({ id }) => id);
    expect(alone).toEqual(CHECKS.filter(({ needs }) => needs !== undefined).map(({ id }) => id));
  });

  it.each<[string, Situation, string[]]>([
    ['MTU', situation({ tunnel: { mtu: 1500 } }), ['VX002 fail']],
    ['MTU over IPv6', situation({ tunnel: { mtu: 1450, ipv6: true } }), ['VX002 fail']],
    ['VNI', situation({}, { tunnel: { vni: 7 } }), ['VX006 fail']],
    ['VNI of a device that takes it from packets', situation({}, { tunnel: { vni: 7, external: true } }), []],
    ['port', situation({}, { tunnel: { port: 8472 } }), ['VX007 fail']],
    ['twin', situation({ otherTunnels: [{ ...OTHER, vni: 100 }] }), ['VX001 fail']],
    ['another VNI on the port', situation({ otherTunnels: [{ ...OTHER, vni: 101 }] }), []],
    ['the same VNI on the port, of the other family', situation({ otherTunnels: [{ ...OTHER, vni: 100, ipv6: true }] }), []],
    ['ageing', situation({ tunnel: { ageingSeconds: 0 } }), ['VX034 warn']],
    ['driver', situation({ underlay: { driver: 'vmxnet3' }, offload: { tunnelChecksum: true, underlayTunnelChecksum: true } }), ['VX029 warn']],
    ['local address', situation({ tunnel: { local: '172.30.0.77' } }), ['VX012 fail']],
    ['loopback address as local', situation({ tunnel: { local: '192.0.2.1' }, addresses: [...audit(1).addresses, { device: 'lo', address: '192.0.2.1', prefixLength: 32 }] }), []],
    ['carrier', situation({ underlay: { carrier: false }, remotes: [{ ...audit(1).remotes[0]!, neighbourState: 'FAILED' }] }), ['VX020 fail']],
    ['route into the tunnel itself', situation({ remotes: [{ ...audit(1).remotes[0]!, route: { device: 'vxlan100' } }] }), ['VX008 fail']],
    ['a learned remote that is gone', situation({ remotes: [...audit(1).remotes, { address: '172.30.0.9', configured: false, isOwn: false, why: 'network is unreachable' }] }), []],
    ['firewall', situation({ firewall: [{ way: 'in', remote: '172.30.0.2', verdict: 'drop', rule: 'filter/INPUT#1', fix: 'iptables -D INPUT 1' }] }), ['VX014 fail']],
    ['firewall that cannot be told', situation({ firewall: [{ way: 'in', remote: '172.30.0.2', verdict: 'undetermined' }] }), []],
    ['rp_filter, loose', situation({}, { rpFilter: 2, lookups: [{ address: '10.244.1.1', device: 'eth0' }] }), []],
    ['rp_filter, strict', situation({}, { rpFilter: 1, lookups: [{ address: '10.244.1.1', device: 'eth0' }] }), ['VX024 fail']],
    ['two of them', situation({ tunnel: { mtu: 1500 } }, { tunnel: { vni: 7 } }), ['VX002 fail', 'VX006 fail']],
  ])('%s', (_, of, ids) => expect(found(of)).toEqual(ids));

  it('take silence for a finding only where nothing explains it', () => {
    const probes = [{ to: '10.200.0.2', what: 'tunnel' as const, sent: 3, answered: 0 }];
    expect(found(situation({}, {}, { probes }))).toEqual(['VX033 fail']);
    expect(found(situation({}, {}, { probes: [...probes, { ...probes[0]!, to: '10.200.0.3', answered: 3 }] }))).toEqual(['VX033 warn']);
    expect(found(situation({}, { tunnel: { vni: 7 } }, { probes }))).toEqual(['VX006 fail']);
    expect(found(situation({ neighbours: [{ address: '10.200.0.2', mac: '02:00:00:00:00:02', state: 'REACHABLE' }] }, {}, { probes }))).toEqual([]);
  });

  it('tell a lossy network from a firewall at the other end', () => {
    const probes = [{ to: '10.200.0.2', what: 'tunnel' as const, sent: 3, answered: 0 }];
    const here = end('here', audit(1), { counted: { tunnel: { txPackets: 3 }, underlay: {}, stack: {} } });
    const filtered = end('h2', audit(2), { drops: [{ reason: 'NETFILTER_DROP', packets: 3, port: 4789 }] });
    const heard = end('h2', audit(2), { counted: { tunnel: {}, underlay: {}, stack: { 'Udp.InDatagrams': 3 } } });
    expect(found({ ...situation({}, {}, { probes }), here })).toEqual(['VX004 fail']);
    expect(found({ ...situation({}, {}, { probes }), here, peers: [filtered] })).toEqual(['VX014 fail']);
    expect(found({ ...situation({}, {}, { probes }), here, peers: [heard] })).toEqual(['VX033 fail']);
  });

  it('do without drop reasons where counters say as much', () => {
    const bad = end('h2', audit(2), { sawDrops: false, counted: { tunnel: {}, underlay: {}, stack: { 'Tcp.InCsumErrors': 2 } } });
    expect(found({ ...situation(), peers: [bad] })).toEqual(['VX003 fail']);
  });
});
