import { describe, expect, it } from 'vitest';
import { formatCidr, parseCidr } from '../../../../src/lib/cidr.ts';
import { nodesOfKubernetes, nodesOfRoutes, type Found } from '../../../../src/domain/vxlan/mesh/source/found.ts';

const texts = ({ nodes }: Found) => nodes.map(({ name, underlay, podCidrs }) => [name, underlay, podCidrs.map(formatCidr)]);
const address = (type: string, value: string) => ({ type, address: value });

describe('Kubernetes', () => {
  it('tells nodes with both families, and leaves out what is not ready', () => {
    const list = {
      kind: 'List', items: [
        { metadata: { name: 'a' }, spec: { podCIDR: '10.244.0.0/24', podCIDRs: ['10.244.0.0/24', 'fd00:244::/64'] }, status: { addresses: [address('Hostname', 'a'), address('InternalIP', '10.0.0.1'), address('InternalIP', 'fd00::1')] } },
        { metadata: { name: 'b' }, spec: {}, status: { addresses: [address('InternalIP', '10.0.0.2')] } },
        { metadata: { name: 'c' }, spec: { podCIDR: '10.244.2.0/24' }, status: { addresses: [address('ExternalIP', '192.0.2.3')] } },
      ],
    };
    const found = nodesOfKubernetes('nodes.json', JSON.stringify(list));
    expect(texts(found)).toEqual([['a', '10.0.0.1', ['10.244.0.0/24', 'fd00:244::/64']]]);
    expect(found.warnings).toEqual(['b is left out: it has no podCIDR yet', 'c is left out: it has no InternalIP']);
  });

  it.each(['', 'no JSON', '{"kind": "Node"}', '[]', 'null'])('refuses %j', (text) => {
    expect(() => nodesOfKubernetes('nodes.json', text)).toThrow('nodes.json:1:1: this is no list of nodes');
  });
});

describe('learned routes', () => {
  const routes = [
    { destination: '10.244.2.0/24', gateway: '10.0.0.2' }, { destination: '10.244.3.0/24', gateway: '10.0.0.3' }, { destination: '10.244.30.0/24', gateway: '10.0.0.3' },
    { destination: '0.0.0.0/0', gateway: '10.0.0.254' }, { destination: '192.0.2.0/24', gateway: '10.0.0.2' }, { destination: '10.244.1.0/24' },
  ];
  const own = { name: 'me', underlay: '10.0.0.1', podCidrs: [] };
  const within = [parseCidr('10.244.0.0/16')!];

  it('make a node of each gateway, and this node of what is held here', () => {
    expect(texts(nodesOfRoutes(routes, own, within))).toEqual([
      ['me', '10.0.0.1', ['10.244.1.0/24']], ['10.0.0.2', '10.0.0.2', ['10.244.2.0/24']], ['10.0.0.3', '10.0.0.3', ['10.244.3.0/24', '10.244.30.0/24']],
    ]);
  });

  it('count wholly where nobody says what pods are, except for a default route', () => {
    expect(texts(nodesOfRoutes(routes, own, [])).map(([name, , cidrs]) => [name, cidrs])).toContainEqual(['10.0.0.2', ['10.244.2.0/24', '192.0.2.0/24']]);
  });

  it('need to be told the own network where none is held', () => {
    const learned = routes.slice(0, 2);
    expect(() => nodesOfRoutes(learned, own, within)).toThrowError(expect.objectContaining({ code: 'SL6064', hints: ['--pod-cidr 10.244.1.0/24'] }) as Error);
    expect(texts(nodesOfRoutes(learned, { ...own, podCidrs: [parseCidr('10.244.9.0/24')!] }, within))[0]).toEqual(['me', '10.0.0.1', ['10.244.9.0/24']]);
    expect(() => nodesOfRoutes([], own, within)).toThrow('no route to pods was learned');
  });
});
