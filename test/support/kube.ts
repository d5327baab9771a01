import type { KubeService } from '../../src/domain/lab/kube-rules.ts';

export { kubeRules } from '../../src/domain/lab/kube-rules.ts';

/** `services` plain TCP services 10.96.x.y:80 with `endpoints` pods 10.244.x.y:8080 each. */
export function manyServices(services: number, endpoints: number): KubeService[] {
  return Array.from({ length: services }, (_, index) => ({
    namespace: `ns${index % 7}`,
    name: `svc${index}`,
    portName: 'http',
    protocol: 'tcp',
    clusterIP: `10.96.${1 + (index >> 8)}.${index & 255}`,
    port: 80,
    endpoints: Array.from({ length: endpoints }, (__, pod) => {
      const n = index * endpoints + pod;
      return { address: `10.244.${(n >> 8) & 255}.${n & 255}`, port: 8080 };
    }),
  }));
}

/** One service of every kind that kube-proxy distinguishes. */
export const everyKind: KubeService[] = [
  {
    namespace: 'default', name: 'web', portName: 'http', protocol: 'tcp', clusterIP: '10.96.0.1', port: 80,
    nodePort: 30080, externalIPs: ['203.0.113.9'], loadBalancerIPs: ['198.51.100.7'], sourceRanges: ['192.0.2.0/24'],
    affinitySeconds: 10800, externalTrafficPolicy: 'Local',
    endpoints: [
      { address: '10.244.1.2', port: 8080, local: true },
      { address: '10.244.2.2', port: 8080 },
      { address: '10.244.2.3', port: 8080 },
    ],
  },
  {
    namespace: 'kube-system', name: 'kube-dns', portName: 'dns', protocol: 'udp', clusterIP: '10.96.0.10', port: 53,
    endpoints: [{ address: '10.244.1.3', port: 53 }, { address: '10.244.2.9', port: 53 }],
  },
  {
    namespace: 'shop', name: 'cart', protocol: 'tcp', clusterIP: '10.96.0.20', port: 443, nodePort: 30443,
    endpoints: [{ address: '10.244.1.4', port: 8443, local: true }],
  },
  { namespace: 'shop', name: 'gone', protocol: 'tcp', clusterIP: '10.96.0.30', port: 80, nodePort: 30099, endpoints: [] },
  {
    namespace: 'shop', name: 'nodelocal', protocol: 'udp', clusterIP: '10.96.0.40', port: 9, internalTrafficPolicy: 'Local',
    endpoints: [{ address: '10.244.2.5', port: 9 }],
  },
];
