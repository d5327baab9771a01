import type { TableView } from '../cli/view.ts';
import type { KubeBackend, KubeServicePort } from '../domain/netfilter/index.ts';

/** Columns of `iptables services`. */
export const servicesView: TableView<KubeServicePort> = {
  kind: 'KubeServicePort',
  empty: 'No kube-proxy services found.',
  name: (service) => `service/${service.name}/${service.protocol}`,
  columns: [
    { header: 'SERVICE', value: (service) => service.name, shrinkTo: 16 },
    { header: 'TYPE', value: (service) => service.types.join(','), dropOrder: 3 },
    { header: 'PROTO', value: (service) => service.protocol },
    { header: 'CLUSTER-IP', value: (service) => service.clusterIP },
    { header: 'PORT', value: (service) => service.port },
    { header: 'NODEPORT', value: (service) => service.nodePort },
    { header: 'EXTERNAL', value: (service) => list([...service.externalIPs, ...service.loadBalancerIPs]), shrinkTo: 15, dropOrder: 2 },
    { header: 'BACKENDS', value: countBackends, align: 'right', tone: (service) => (countBackends(service) === 0 ? 'bad' : undefined) },
    { header: 'AFFINITY', value: (service) => (service.affinitySeconds === undefined ? undefined : `${service.affinitySeconds}s`), dropOrder: 1 },
    { header: 'ISSUES', value: issuesOf, tone: (service) => (service.issues.length > 0 ? 'warn' : undefined), shrinkTo: 20 },
    { header: 'ENDPOINTS', value: (service) => list(service.backends.map(describeBackend)), wide: true },
    { header: 'LOCAL', value: (service) => list(service.localBackends.map(describeBackend)), wide: true },
    { header: 'RANGES', value: (service) => list(service.sourceRanges), wide: true },
    { header: 'INTERNAL-POLICY', value: (service) => service.internalTrafficPolicy, wide: true },
    { header: 'EXTERNAL-POLICY', value: (service) => service.externalTrafficPolicy, wide: true },
    { header: 'MASQUERADE', value: describeMasquerade, wide: true },
    { header: 'FAMILY', value: (service) => service.family, wide: true },
    { header: 'BACKEND', value: (service) => service.backend, wide: true },
  ],
};

const list = (items: readonly string[]): string | undefined => (items.length === 0 ? undefined : items.join(','));

function countBackends(service: KubeServicePort): number {
  return service.backends.length > 0 ? service.backends.length : service.localBackends.length;
}

/** `10.244.1.2:8080 (33.3%)`. */
function describeBackend({ address, port, probability }: KubeBackend): string {
  const socket = address.includes(':') ? `[${address}]:${port}` : `${address}:${port}`;
  return `${socket}(${Number((probability * 100).toFixed(1))}%)`;
}

/** What is wrong, and what connections meet where there is no backend: `no endpoints: REJECT`. */
function issuesOf(service: KubeServicePort): string | undefined {
  const refusals = new Set(service.refusals.filter(({ reason }) => reason.startsWith('has no'))
    .map(({ reason, target }) => `${reason.replace('has ', '')}: ${target}`));
  return list([...refusals, ...service.issues]);
}

function describeMasquerade({ masquerade }: KubeServicePort): string | undefined {
  if (masquerade.all) return 'all';
  return list([
    ...(masquerade.outside === undefined ? [] : [`not ${masquerade.outside}`]),
    ...(masquerade.external ? ['external'] : []),
  ]);
}
