import type { Backend, Family } from '../model.ts';
import type { KubeBackend } from './balancer.ts';
import type { KubeProtocol } from './shape.ts';

/** One port of a Kubernetes service, as the rules on this node carry it. */
export interface KubeServicePort {
  /** `namespace/service:port`, the way kube-proxy names it. */
  name: string;
  namespace: string;
  service: string;
  /** Absent for a service with a single nameless port. */
  portName?: string;
  /** The kinds of entrances it has. */
  types: KubeServiceType[];
  family: Family;
  backend: Backend;
  protocol: KubeProtocol;
  clusterIP?: string;
  /** Port of the service's own addresses; host order. */
  port?: number;
  nodePort?: number;
  externalIPs: string[];
  loadBalancerIPs: string[];
  /** Prefixes that may use the load-balancer addresses; empty: everybody. */
  sourceRanges: string[];
  /** All backends that some entrance of the service leads to. */
  backends: KubeBackend[];
  /** The backends on this node, where a traffic policy is `Local`. */
  localBackends: KubeBackend[];
  affinitySeconds?: number;
  internalTrafficPolicy?: 'Cluster' | 'Local';
  externalTrafficPolicy?: 'Cluster' | 'Local';
  masquerade: {
    /** Sources outside this prefix are masqueraded on the way to the cluster IP. */
    outside?: string;
    /** Every source is. */
    all: boolean;
    /** Traffic to external addresses and the node port is. */
    external: boolean;
  };
  /** What happens to connections that find no backend: refused for want of endpoints, or dropped for want of local ones. */
  refusals: KubeRefusal[];
  /** What did not fit kube-proxy's structure, and what is odd about what did. */
  issues: string[];
}

/** A rule of the filter table that turns connections to a service away. */
export interface KubeRefusal {
  target: 'REJECT' | 'DROP';
  /** `has no endpoints`, `has no local endpoints`, `traffic not accepted by …`. */
  reason: string;
  /** The address it stands for; absent for the node port. */
  address?: string;
  port: number;
}

/** How connections get into a service. */
export type KubeServiceType = 'ClusterIP' | 'NodePort' | 'ExternalIP' | 'LoadBalancer';

/** The kinds of entrances that the decoded addresses and ports make. */
export function serviceTypes(port: KubeServicePort): KubeServiceType[] {
  return [
    ...(port.clusterIP === undefined ? [] : ['ClusterIP' as const]),
    ...(port.nodePort === undefined ? [] : ['NodePort' as const]),
    ...(port.externalIPs.length === 0 ? [] : ['ExternalIP' as const]),
    ...(port.loadBalancerIPs.length === 0 ? [] : ['LoadBalancer' as const]),
  ];
}

/** Whether no connection to the service can reach a backend. */
export function hasNoEndpoints(port: KubeServicePort): boolean {
  return port.backends.length === 0 && port.localBackends.length === 0;
}
