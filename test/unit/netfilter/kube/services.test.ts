import { describe, expect, it } from 'vitest';
import { decodeServices, parseSave, type KubeServicePort, type KubeServices } from '../../../../src/domain/netfilter/index.ts';
import { everyKind, kubeRules, manyServices } from '../../../support/kube.ts';

const decode = (text: string, family: 'ipv4' | 'ipv6' = 'ipv4'): KubeServices => decodeServices(parseSave(text, { family, backend: 'legacy', source: 'test' }));

const rules = kubeRules({ services: everyKind });

function service(text: string, name: string): KubeServicePort {
  const found = decode(text).services.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no ${name}`);
  return found;
}

const backends = ({ backends: list }: KubeServicePort): string[] => list.map(({ address, port }) => `${address}:${port}`);

describe('the rules of every kind of service', () => {
  it('give back what they were made from', () => {
    const { services, warnings } = decode(rules);
    expect(warnings).toEqual([]);
    expect(services.map(({ issues }) => issues).flat()).toEqual([]);
    expect(services.map(({ name, protocol, clusterIP, port, nodePort }) => ({ name, protocol, clusterIP, port, nodePort }))).toEqual(
      everyKind.map(({ namespace, name, portName, protocol, clusterIP, port, nodePort }) => ({
        name: `${namespace}/${name}${portName === undefined ? '' : `:${portName}`}`, protocol, clusterIP, port, nodePort,
      })).sort((a, b) => (a.name < b.name ? -1 : 1)));
  });

  it('multiply probabilities out', () => {
    const web = service(rules, 'default/web:http');
    expect(backends(web)).toEqual(['10.244.1.2:8080', '10.244.2.2:8080', '10.244.2.3:8080']);
    for (const { probability } of web.backends) expect(probability).toBeCloseTo(1 / 3, 8);
  });

  it('keep affinity, policies, source ranges and masquerading', () => {
    expect(service(rules, 'default/web:http')).toMatchObject({
      types: ['ClusterIP', 'NodePort', 'ExternalIP', 'LoadBalancer'], affinitySeconds: 10800, externalTrafficPolicy: 'Local', internalTrafficPolicy: 'Cluster',
      externalIPs: ['203.0.113.9'], loadBalancerIPs: ['198.51.100.7'], sourceRanges: ['192.0.2.0/24'],
      localBackends: [{ address: '10.244.1.2', probability: 1 }], masquerade: { outside: '10.244.0.0/16', all: false, external: false },
    });
    expect(service(rules, 'shop/cart')).toMatchObject({ externalTrafficPolicy: 'Cluster', masquerade: { external: true } });
  });

  it('tell no endpoints from no local endpoints', () => {
    expect(service(rules, 'shop/gone').refusals).toEqual([
      { target: 'REJECT', reason: 'has no endpoints', port: 80, address: '10.96.0.30' }, { target: 'REJECT', reason: 'has no endpoints', port: 30099 },
    ]);
    expect(service(rules, 'shop/nodelocal').refusals).toMatchObject([{ target: 'DROP', reason: 'has no local endpoints' }]);
  });
});

describe('IPv6', () => {
  it('is decoded alike', () => {
    const text = kubeRules({
      family: 'ipv6', services: [{
        namespace: 'a', name: 'b', protocol: 'sctp', clusterIP: 'fd00:96::1', port: 80, nodePort: 30000,
        endpoints: [{ address: 'fd00:10:244::2', port: 81 }, { address: 'fd00:10:244::3', port: 81 }],
      }],
    });
    const [only] = decode(text, 'ipv6').services;
    expect(only).toMatchObject({ name: 'a/b', protocol: 'sctp', clusterIP: 'fd00:96::1', issues: [], masquerade: { outside: 'fd00:10:244::/56' } });
    expect(backends(only!)).toEqual(['fd00:10:244::2:81', 'fd00:10:244::3:81']);
  });
});

describe('many services', () => {
  it('are all found', () => {
    const { services, warnings } = decode(kubeRules({ services: manyServices(300, 4) }));
    expect(warnings).toEqual([]);
    expect(services).toHaveLength(300);
    expect(services.every(({ backends: list, issues }) => list.length === 4 && issues.length === 0)).toBe(true);
  });
});

describe('what does not fit', () => {
  const dns = 'kube-system/kube-dns:dns';
  const edit = (pattern: RegExp, replacement: string): string => {
    const text = rules.replace(pattern, replacement);
    if (text === rules) throw new Error(`${pattern} changes nothing`);
    return text;
  };

  it.each<[string, string, string, RegExp]>([
    ['unequal weights', edit(/(kube-dns:dns -> 10.244.1.3:53" -m statistic --mode random --probability) \S+/, '$1 0.25000000000'), dns, /unequal shares/],
    ['connections that reach no backend', edit(/(kube-dns:dns -> 10.244.2.9:53")/, '$1 -m statistic --mode random --probability 0.5'), dns, /25\.0 % of new connections reach no backend/],
    ['a strange rule in a service chain', edit(/-A KUBE-SVC-TCOU7JCQXEZGVUNU -m/, '-A KUBE-SVC-TCOU7JCQXEZGVUNU -i eth9 -j ACCEPT\n-A KUBE-SVC-TCOU7JCQXEZGVUNU -m'), dns, /KUBE-SVC-TCOU7JCQXEZGVUNU#2 not understood: -i eth9 -j ACCEPT/],
    ['an endpoint that rewrites nothing', edit(/ -j DNAT --to-destination 10.244.1.3:53/, ''), dns, /rewrites no destination/],
    ['an endpoint without hairpin', edit(/-A KUBE-SEP-\S+ -s 10.244.1.3\/32 .*\n/, ''), dns, /does not masquerade a pod that reaches itself/],
    ['an endpoint that forgets its clients', edit(/ -m recent --set --name KUBE-SEP-UIQK3OSOSTRHRPBX --mask \S+ --rsource/, ''), 'default/web:http', /KUBE-SEP-UIQK3OSOSTRHRPBX does not remember its clients/],
    ['an external chain that leads nowhere', edit(/-A KUBE-EXT-N5W5PH5NLY2BP4HG -j .*\n/, ''), 'shop/cart', /leads to no service chain/],
  ])('is an issue of its service: %s', (_, text, name, issue) => {
    expect(service(text, name).issues.join('\n')).toMatch(issue);
  });

  it('is a warning when it belongs to no service', () => {
    const strange = edit(/-A KUBE-SERVICES -m comment/, '-A KUBE-SERVICES -s 10.0.0.0/8 -j ACCEPT\n-A KUBE-SERVICES -m comment');
    expect(decode(strange).warnings).toEqual([expect.stringMatching(/^KUBE-SERVICES#\d+ not understood: -s 10\.0\.0\.0\/8 -j ACCEPT$/)]);
    expect(decode(edit(/-A OUTPUT -m comment --comment "kubernetes service portals" -j KUBE-SERVICES\n/, '')).warnings).toEqual(['nat/OUTPUT does not lead to KUBE-SERVICES']);
  });

  it('is nothing at all without kube-proxy', () => {
    expect(decode('*nat\n:PREROUTING ACCEPT [0:0]\nCOMMIT\n')).toEqual({ services: [], warnings: [] });
  });
});
