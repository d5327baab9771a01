import { serviceChain, servicePortName } from './kube-names.ts';
import type { KubeContext, KubeService } from './kube-rules.ts';
import { writeTable, type TableWriter } from './kube-table.ts';

const comment = (text: string): string => `-m comment --comment "${text}"`;
const onNew = (text: string, chain: string): string => `-m conntrack --ctstate NEW ${comment(text)} -j ${chain}`;

/** The filter table as it is without any service. */
export function filterSkeleton(context: KubeContext): TableWriter {
  const filter = writeTable('filter', ['INPUT', 'FORWARD', 'OUTPUT']);
  for (const chain of ['KUBE-EXTERNAL-SERVICES', 'KUBE-FIREWALL', 'KUBE-FORWARD', 'KUBE-KUBELET-CANARY', 'KUBE-NODEPORTS',
    'KUBE-PROXY-CANARY', 'KUBE-PROXY-FIREWALL', 'KUBE-SERVICES']) filter.declare(chain);
  filter.append('INPUT', onNew('kubernetes load balancer firewall', 'KUBE-PROXY-FIREWALL'));
  filter.append('INPUT', `${comment('kubernetes health check service ports')} -j KUBE-NODEPORTS`);
  filter.append('INPUT', onNew('kubernetes externally-visible service portals', 'KUBE-EXTERNAL-SERVICES'));
  filter.append('INPUT', '-j KUBE-FIREWALL');
  filter.append('FORWARD', onNew('kubernetes load balancer firewall', 'KUBE-PROXY-FIREWALL'));
  filter.append('FORWARD', `${comment('kubernetes forwarding rules')} -j KUBE-FORWARD`);
  filter.append('FORWARD', onNew('kubernetes service portals', 'KUBE-SERVICES'));
  filter.append('FORWARD', onNew('kubernetes externally-visible service portals', 'KUBE-EXTERNAL-SERVICES'));
  filter.append('OUTPUT', onNew('kubernetes load balancer firewall', 'KUBE-PROXY-FIREWALL'));
  filter.append('OUTPUT', onNew('kubernetes service portals', 'KUBE-SERVICES'));
  filter.append('OUTPUT', '-j KUBE-FIREWALL');
  if (context.family === 'ipv4') {
    filter.append('KUBE-FIREWALL', `! -s 127.0.0.0/8 -d 127.0.0.0/8 ${comment('block incoming localnet connections')}`
      + ' -m conntrack ! --ctstate RELATED,ESTABLISHED,DNAT -j DROP');
  }
  filter.append('KUBE-FORWARD', '-m conntrack --ctstate INVALID -j DROP');
  filter.append('KUBE-FORWARD', `${comment('kubernetes forwarding rules')} -m mark --mark 0x4000/0x4000 -j ACCEPT`);
  filter.append('KUBE-FORWARD', `${comment('kubernetes forwarding conntrack rule')} -m conntrack --ctstate RELATED,ESTABLISHED -j ACCEPT`);
  return filter;
}

/** Adds what one service needs in the filter table: refusals where there is no endpoint, and its source ranges. */
export function addFilterRules(filter: TableWriter, service: KubeService, context: KubeContext): void {
  const internal = refusal(service, service.internalTrafficPolicy, context);
  if (internal !== undefined) filter.append('KUBE-SERVICES', refuse(service, service.clusterIP, internal));
  const external = refusal(service, service.externalTrafficPolicy, context);
  if (external !== undefined) refuseExternal(filter, service, external);
  if ((service.sourceRanges ?? []).length === 0 || service.endpoints.length === 0) return;
  for (const address of service.loadBalancerIPs ?? []) {
    const why = `traffic not accepted by ${serviceChain('KUBE-FW', service)}`;
    filter.append('KUBE-PROXY-FIREWALL', refuse(service, address, { why, target: 'DROP' }));
  }
}

interface Refusal {
  why: string;
  target: string;
}

/** REJECT without any endpoint, DROP when only the local ones count and there is none. */
function refusal(service: KubeService, policy: 'Cluster' | 'Local' | undefined, context: KubeContext): Refusal | undefined {
  if (service.endpoints.length === 0) {
    const type = context.family === 'ipv4' ? 'icmp-port-unreachable' : 'icmp6-port-unreachable';
    return { why: 'has no endpoints', target: `REJECT --reject-with ${type}` };
  }
  if (policy !== 'Local' || service.endpoints.some((endpoint) => endpoint.local === true)) return undefined;
  return { why: 'has no local endpoints', target: 'DROP' };
}

function refuse(service: KubeService, address: string, { why, target }: Refusal): string {
  const length = address.includes(':') ? 128 : 32;
  return `-d ${address}/${length} -p ${service.protocol} ${comment(`${servicePortName(service)} ${why}`)}`
    + ` -m ${service.protocol} --dport ${service.port} -j ${target}`;
}

function refuseExternal(filter: TableWriter, service: KubeService, external: Refusal): void {
  for (const address of [...(service.externalIPs ?? []), ...(service.loadBalancerIPs ?? [])]) {
    filter.append('KUBE-EXTERNAL-SERVICES', refuse(service, address, external));
  }
  if (service.nodePort === undefined) return;
  filter.append('KUBE-EXTERNAL-SERVICES', `-p ${service.protocol} ${comment(`${servicePortName(service)} ${external.why}`)}`
    + ` -m addrtype --dst-type LOCAL -m ${service.protocol} --dport ${service.nodePort} -j ${external.target}`);
}
