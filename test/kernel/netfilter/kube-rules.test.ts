import { beforeAll, expect, it } from 'vitest';
import { makeForwarder } from '../../support/forwarder.ts';
import { everyKind, kubeRules } from '../../support/kube.ts';
import { requireRoot } from '../../support/require.ts';

beforeAll(requireRoot);

/** The tables one after the other, without comments and counters. */
function tables(save: string): string[] {
  const text = save.replace(/^#.*\n/gm, '').replace(/^\[\d+:\d+\] /gm, '').replace(/\[\d+:\d+\]$/gm, '[0:0]');
  return text.split(/(?<=^COMMIT\n)/m).filter((table) => /^\*(nat|filter)/.test(table)).sort();
}

const SERVICES_IPV6 = [{
  namespace: 'default', name: 'web', protocol: 'tcp' as const, clusterIP: 'fd00:96::1', port: 80, nodePort: 30080, affinitySeconds: 60,
  endpoints: [{ address: 'fd00:10:244::2', port: 8080 }, { address: 'fd00:10:244::3', port: 8080 }],
}, { namespace: 'default', name: 'gone', protocol: 'udp' as const, clusterIP: 'fd00:96::2', port: 53, endpoints: [] }];

it.each(['legacy', 'nft'] as const)('kubeRules loads in iptables-%s and is saved unchanged', (backend) => {
  const forwarder = makeForwarder();
  try {
    const ipv4 = kubeRules({ services: everyKind });
    const ipv6 = kubeRules({ services: SERVICES_IPV6, family: 'ipv6' });
    forwarder.load(ipv4, 'ipv4', backend);
    forwarder.load(ipv6, 'ipv6', backend);
    expect(tables(forwarder.save('ipv4', backend))).toEqual(tables(ipv4));
    expect(tables(forwarder.save('ipv6', backend))).toEqual(tables(ipv6));
  } finally {
    forwarder.close();
  }
});
