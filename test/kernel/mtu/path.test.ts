import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { measurePath } from '../../../src/domain/mtu/index.ts';
import { requireRoot, requireTool } from '../../support/require.ts';
import { inNamespaces, type Netns } from '../../support/sluice.ts';

requireRoot();
requireTool('iptables');

/** a (eth0) - (left) router (right) - (eth0) b; 10.1.0.0/24 and fd01::/64 on the left, 10.2.0.0/24 and fd02::/64 on the right. */
let [a, router, b]: Netns[] = [];
let close: () => void;

beforeAll(() => {
  ({ namespaces: [a, router, b], close } = inNamespaces(['mtua', 'mtur', 'mtub']) as { namespaces: [Netns, Netns, Netns]; close: () => void });
  a!.run(['ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'left', 'netns', router!.name]);
  b!.run(['ip', 'link', 'add', 'eth0', 'type', 'veth', 'peer', 'name', 'right', 'netns', router!.name]);
  for (const [netns, device, number] of [[a!, 'eth0', '1.0.1'], [router!, 'left', '1.0.2'], [router!, 'right', '2.0.2'], [b!, 'eth0', '2.0.1']] as const) {
    const [side, , host] = number.split('.');
    netns.run(['ip', 'addr', 'add', `10.${number}/24`, 'dev', device]);
    netns.run(['ip', 'addr', 'add', `fd0${side}::${host}/64`, 'dev', device, 'nodad']);
    netns.run(['ip', 'link', 'set', 'dev', device, 'up']);
  }
  router!.run(['sysctl', '-qw', 'net.ipv4.ip_forward=1', 'net.ipv6.conf.all.forwarding=1']);
  for (const [netns, side] of [[a!, 1], [b!, 2]] as const) {
    netns.run(['ip', 'route', 'add', 'default', 'via', `10.${side}.0.2`]);
    netns.run(['ip', 'route', 'add', 'default', 'via', `fd0${side}::2`]);
  }
});

afterAll(() => close());

const setMtu = (right: number): void => {
  router!.run(['ip', 'link', 'set', 'right', 'mtu', String(right)]);
  b!.run(['ip', 'link', 'set', 'eth0', 'mtu', String(right)]);
};

/** The router's firewall: nothing, or rules. */
const firewall = (...rules: string[]): void => {
  for (const family of ['iptables', 'ip6tables']) router!.run([family, '-F']);
  for (const rule of rules) router!.run(rule.split(' '));
};

/** Answers of the router, learned and told by address family. */
const FAMILIES = [['10.2.0.1', '10.1.0.2'], ['fd02::1', 'fd01::2']] as const;

const measure = (to: string) => measurePath({ to, netns: a!.path, linkMtu: 1500 });

beforeEach(() => {
  firewall();
  a!.run(['ip', 'route', 'flush', 'cache']);
  a!.run(['ip', '-6', 'route', 'flush', 'cache']);
});

describe.each(FAMILIES)('to %s', (to, gateway) => {
  it('measures a path without obstacles in one step', async () => {
    setMtu(1500);
    expect(await measure(to)).toMatchObject({ mtu: 1500, narrowings: [], probes: 'icmp', cachedMtu: 1500, learnedMtu: 1500 });
  });

  it('hears what a router says, and what the kernel learns from it', async () => {
    setMtu(1400);
    const found = await measure(to);
    expect(found).toMatchObject({ mtu: 1400, narrowings: [{ from: gateway, mtu: 1400 }], cachedMtu: 1500, learnedMtu: 1400 });
    expect(found.vanished).toBeUndefined();
    // The oracle: the exception that `ip route get` shows.
    expect(a!.run(['ip', 'route', 'get', to])).toContain('mtu 1400');
    expect((await measure(to)).cachedMtu).toBe(1400);
  });

  it('finds the edge of a black hole to the byte', async () => {
    setMtu(1373);
    firewall('iptables -A OUTPUT -p icmp --icmp-type fragmentation-needed -j DROP', 'ip6tables -A OUTPUT -p icmpv6 --icmpv6-type packet-too-big -j DROP');
    expect(await measure(to)).toMatchObject({ mtu: 1373, vanished: 1374, narrowings: [] });
  });

  it('measures with UDP where echo requests are dropped', async () => {
    setMtu(1400);
    firewall('iptables -A FORWARD -p icmp --icmp-type echo-request -j DROP', 'ip6tables -A FORWARD -p icmpv6 --icmpv6-type echo-request -j DROP');
    expect(await measure(to)).toMatchObject({ mtu: 1400, probes: 'udp', narrowings: [{ from: gateway, mtu: 1400 }] });
  });

  it('says who says that there is no way', async () => {
    firewall('iptables -A FORWARD -j REJECT --reject-with icmp-host-prohibited', 'ip6tables -A FORWARD -j REJECT --reject-with icmp6-adm-prohibited');
    await expect(measure(to)).rejects.toMatchObject({ code: 'SL6051', message: `${gateway} says that ${to} cannot be reached` });
  });
});

it('does not guess where nobody answers', async () => {
  firewall('iptables -A FORWARD -j DROP');
  await expect(measure('10.2.0.1')).rejects.toMatchObject({ code: 'SL6050', reason: 'failed' });
});

it('says when there is no route', async () => {
  await expect(measurePath({ to: '10.9.9.9', netns: router!.path, linkMtu: 1500 })).rejects.toMatchObject({ code: 'SL6052' });
});
