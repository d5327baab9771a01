/**
 * Writes the ruleset that kube-proxy (iptables mode) would keep for a list of services.
 *
 * The text is in the form that `iptables-save` prints, so it loads with `iptables-restore` and comes back unchanged.
 * Packet path of a new connection: nat PREROUTING/OUTPUT → KUBE-SERVICES → KUBE-SVC-x (any endpoint) or KUBE-EXT-x
 * (from outside) → KUBE-SEP-y (one endpoint) → DNAT; POSTROUTING masquerades what was marked 0x4000 on the way.
 *
 * @source kubernetes pkg/proxy/iptables/proxier.go (chain and rule shapes); KEP-2448 for the chain names
 */
import { addFilterRules, filterSkeleton } from './kube-filter-rules.ts';
import { addServiceNat, natSkeleton } from './kube-nat-rules.ts';

/** One backend of a service. */
export interface KubeEndpoint {
  address: string;
  port: number;
  /** Whether the pod runs on the node that the rules are for; matters only for traffic policy `Local`. */
  local?: boolean;
}

/** One port of a Kubernetes service, with everything kube-proxy looks at. */
export interface KubeService {
  namespace: string;
  name: string;
  /** Name of the port; absent for a service with a single nameless port. */
  portName?: string;
  protocol: 'tcp' | 'udp' | 'sctp';
  clusterIP: string;
  port: number;
  endpoints: readonly KubeEndpoint[];
  nodePort?: number;
  externalIPs?: readonly string[];
  loadBalancerIPs?: readonly string[];
  /** Prefixes that may use the load-balancer addresses; absent or empty: everybody. */
  sourceRanges?: readonly string[];
  /** `sessionAffinity: ClientIP` with this timeout. */
  affinitySeconds?: number;
  externalTrafficPolicy?: 'Cluster' | 'Local';
  internalTrafficPolicy?: 'Cluster' | 'Local';
}

/** Input of `kubeRules`. All addresses belong to one family. */
export interface KubeRulesOptions {
  services: readonly KubeService[];
  /** Default `ipv4`. */
  family?: 'ipv4' | 'ipv6';
  /** Sources inside this prefix are pods and are not masqueraded; default 10.244.0.0/16 or fd00:10:244::/56. */
  podCidr?: string;
}

/** What the parts of the generator share. */
export interface KubeContext {
  family: 'ipv4' | 'ipv6';
  podCidr: string;
}

/** Returns the nat and filter tables as text for `iptables-restore` (or `ip6tables-restore`). */
export function kubeRules(options: KubeRulesOptions): string {
  const family = options.family ?? 'ipv4';
  const podCidr = options.podCidr ?? (family === 'ipv4' ? '10.244.0.0/16' : 'fd00:10:244::/56');
  const context: KubeContext = { family, podCidr };
  const nat = natSkeleton();
  const filter = filterSkeleton(context);
  for (const service of options.services) {
    addServiceNat(nat, service, context);
    addFilterRules(filter, service, context);
  }
  nat.append('KUBE-SERVICES', '-m comment --comment "kubernetes service nodeports; NOTE: this must be the last rule in this chain"'
    + ' -m addrtype --dst-type LOCAL -j KUBE-NODEPORTS');
  return nat.print() + filter.print();
}
