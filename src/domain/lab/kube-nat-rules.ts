import { endpointChain, serviceChain, servicePortName, socketAddress } from './kube-names.ts';
import type { KubeContext, KubeEndpoint, KubeService } from './kube-rules.ts';
import { writeTable, type TableWriter } from './kube-table.ts';

/** The nat table as it is without any service. */
export function natSkeleton(): TableWriter {
  const nat = writeTable('nat', ['PREROUTING', 'INPUT', 'OUTPUT', 'POSTROUTING']);
  for (const chain of ['KUBE-KUBELET-CANARY', 'KUBE-MARK-MASQ', 'KUBE-NODEPORTS', 'KUBE-POSTROUTING', 'KUBE-PROXY-CANARY', 'KUBE-SERVICES']) {
    nat.declare(chain);
  }
  nat.append('PREROUTING', '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES');
  nat.append('OUTPUT', '-m comment --comment "kubernetes service portals" -j KUBE-SERVICES');
  nat.append('POSTROUTING', '-m comment --comment "kubernetes postrouting rules" -j KUBE-POSTROUTING');
  nat.append('KUBE-MARK-MASQ', '-j MARK --set-xmark 0x4000/0x4000');
  nat.append('KUBE-POSTROUTING', '-m mark ! --mark 0x4000/0x4000 -j RETURN');
  nat.append('KUBE-POSTROUTING', '-j MARK --set-xmark 0x4000/0x0');
  nat.append('KUBE-POSTROUTING', '-m comment --comment "kubernetes service traffic requiring SNAT" -j MASQUERADE --random-fully');
  return nat;
}

/** Adds the chains of one service port to the nat table; a service without endpoints has none. */
export function addServiceNat(nat: TableWriter, service: KubeService, context: KubeContext): void {
  if (service.endpoints.length === 0) return;
  const internalLocal = service.internalTrafficPolicy === 'Local';
  const externalLocal = isExternal(service) && service.externalTrafficPolicy === 'Local';
  const local = service.endpoints.filter((endpoint) => endpoint.local === true);
  if (!internalLocal || local.length > 0) addClusterIp(nat, service, internalLocal ? 'KUBE-SVL' : 'KUBE-SVC');
  addEntrances(nat, service);
  if (!internalLocal || isExternal(service)) addBalancer(nat, service, 'KUBE-SVC', service.endpoints, context);
  if ((internalLocal || externalLocal) && local.length > 0) addBalancer(nat, service, 'KUBE-SVL', local, context);
  for (const endpoint of service.endpoints) addEndpoint(nat, service, endpoint);
  if (!isExternal(service)) return;
  if (externalLocal) addExternalLocal(nat, service, local.length > 0, context);
  else addExternalCluster(nat, service);
}

const isExternal = (service: KubeService): boolean =>
  service.nodePort !== undefined || (service.externalIPs ?? []).length > 0 || (service.loadBalancerIPs ?? []).length > 0;

const comment = (text: string): string => `-m comment --comment "${text}"`;
const hostMask = (address: string): string => `${address}/${address.includes(':') ? 128 : 32}`;

/** `-d VIP/32 -p tcp -m comment … -m tcp --dport 80`, the test for one address of the service. */
function addressed(service: KubeService, address: string, kind: string): string {
  return `-d ${hostMask(address)} -p ${service.protocol} ${comment(`${servicePortName(service)} ${kind}`)}`
    + ` -m ${service.protocol} --dport ${service.port}`;
}

function addClusterIp(nat: TableWriter, service: KubeService, balancer: 'KUBE-SVC' | 'KUBE-SVL'): void {
  nat.append('KUBE-SERVICES', `${addressed(service, service.clusterIP, 'cluster IP')} -j ${serviceChain(balancer, service)}`);
}

/** External IPs, load-balancer IPs and the node port. */
function addEntrances(nat: TableWriter, service: KubeService): void {
  const external = serviceChain('KUBE-EXT', service);
  for (const address of service.externalIPs ?? []) {
    nat.append('KUBE-SERVICES', `${addressed(service, address, 'external IP')} -j ${external}`);
  }
  const ranges = service.sourceRanges ?? [];
  const balanced = ranges.length > 0 ? serviceChain('KUBE-FW', service) : external;
  for (const address of service.loadBalancerIPs ?? []) {
    nat.append('KUBE-SERVICES', `${addressed(service, address, 'loadbalancer IP')} -j ${balanced}`);
  }
  if (service.nodePort !== undefined) {
    nat.append('KUBE-NODEPORTS', `-p ${service.protocol} ${comment(servicePortName(service))}`
      + ` -m ${service.protocol} --dport ${service.nodePort} -j ${external}`);
  }
  if (balanced === external || (service.loadBalancerIPs ?? []).length === 0) return;
  for (const range of ranges) {
    nat.append(balanced, `-s ${range} ${comment(`${servicePortName(service)} loadbalancer IP`)} -j ${external}`);
  }
  nat.append(balanced, comment(`other traffic to ${servicePortName(service)} will be dropped by KUBE-PROXY-FIREWALL`));
}

/** KUBE-SVC-x or KUBE-SVL-x: masquerade what comes from outside the pods, keep affinity, then choose at random. */
function addBalancer(
  nat: TableWriter, service: KubeService, prefix: 'KUBE-SVC' | 'KUBE-SVL', endpoints: readonly KubeEndpoint[], context: KubeContext,
): void {
  const chain = serviceChain(prefix, service);
  if ((prefix === 'KUBE-SVL') === (service.internalTrafficPolicy === 'Local')) {
    nat.append(chain, `! -s ${context.podCidr} ${addressed(service, service.clusterIP, 'cluster IP')} -j KUBE-MARK-MASQ`);
  }
  if (service.affinitySeconds !== undefined) {
    for (const endpoint of endpoints) {
      const target = endpointChain(service, endpoint);
      nat.append(chain, `${balancerComment(service, endpoint)} -m recent --rcheck --seconds ${service.affinitySeconds} --reap`
        + ` --name ${target} --mask ${allOnes(context)} --rsource -j ${target}`);
    }
  }
  endpoints.forEach((endpoint, index) => {
    const left = endpoints.length - index;
    const chance = left === 1 ? '' : ` -m statistic --mode random --probability ${probability(left)}`;
    nat.append(chain, `${balancerComment(service, endpoint)}${chance} -j ${endpointChain(service, endpoint)}`);
  });
}

const balancerComment = (service: KubeService, endpoint: KubeEndpoint): string =>
  comment(`${servicePortName(service)} -> ${socketAddress(endpoint.address, endpoint.port)}`);

const allOnes = (context: KubeContext): string =>
  context.family === 'ipv4' ? '255.255.255.255' : 'ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff';

/** 1/n as `iptables-save` prints it: the kernel keeps a 31-bit fraction. */
function probability(n: number): string {
  return (Math.round(0x8000_0000 / n) / 0x8000_0000).toFixed(11);
}

/** KUBE-SEP-y: mark a pod that reaches itself, remember the client for affinity, rewrite the destination. */
function addEndpoint(nat: TableWriter, service: KubeService, endpoint: KubeEndpoint): void {
  const chain = endpointChain(service, endpoint);
  const who = comment(servicePortName(service));
  nat.append(chain, `-s ${hostMask(endpoint.address)} ${who} -j KUBE-MARK-MASQ`);
  const family = endpoint.address.includes(':') ? 'ipv6' : 'ipv4';
  const remember = service.affinitySeconds === undefined
    ? '' : ` -m recent --set --name ${chain} --mask ${allOnes({ family, podCidr: '' })} --rsource`;
  nat.append(chain, `-p ${service.protocol} ${who}${remember} -m ${service.protocol}`
    + ` -j DNAT --to-destination ${socketAddress(endpoint.address, endpoint.port)}`);
}

function addExternalCluster(nat: TableWriter, service: KubeService): void {
  const chain = serviceChain('KUBE-EXT', service);
  nat.append(chain, `${comment(`masquerade traffic for ${servicePortName(service)} external destinations`)} -j KUBE-MARK-MASQ`);
  nat.append(chain, `-j ${serviceChain('KUBE-SVC', service)}`);
}

/** Pods and the node itself may use any endpoint; everybody else only the local ones, with the source kept. */
function addExternalLocal(nat: TableWriter, service: KubeService, hasLocal: boolean, context: KubeContext): void {
  const chain = serviceChain('KUBE-EXT', service);
  const any = serviceChain('KUBE-SVC', service);
  const who = `${servicePortName(service)} external destinations`;
  nat.append(chain, `-s ${context.podCidr} ${comment(`pod traffic for ${who}`)} -j ${any}`);
  nat.append(chain, `${comment(`masquerade LOCAL traffic for ${who}`)} -m addrtype --src-type LOCAL -j KUBE-MARK-MASQ`);
  nat.append(chain, `${comment(`route LOCAL traffic for ${who}`)} -m addrtype --src-type LOCAL -j ${any}`);
  if (hasLocal) nat.append(chain, `-j ${serviceChain('KUBE-SVL', service)}`);
}
