import type { Rule } from '../model.ts';
import { optionValue, textOptions } from '../walk/matches/options.ts';
import type { Collector } from './services.ts';
import { destinationPort, hostAddress, notUnderstood, opaqueMatch, protocolOf, targetName, testsExactly, type Chains, type KubeProtocol } from './shape.ts';

/** The chains of the filter table in which kube-proxy turns connections to services away. */
const REFUSING_CHAINS = ['KUBE-SERVICES', 'KUBE-EXTERNAL-SERVICES', 'KUBE-PROXY-FIREWALL'];

/** Adds what the filter table refuses: services without endpoints, without local ones, and sources out of range. */
export function addRefusals(filter: Chains, collector: Collector): void {
  for (const chain of REFUSING_CHAINS) {
    for (const rule of filter.get(chain)?.rules ?? []) addRefusal(rule, chain, collector);
  }
}

function addRefusal(rule: Rule, chain: string, collector: Collector): void {
  const protocol = protocolOf(rule);
  const port = destinationPort(rule);
  const target = targetName(rule);
  const address = hostAddress(rule.destination);
  const place = protocol === undefined ? undefined : placeOf(rule, protocol, address);
  if (protocol === undefined || port === undefined || place === undefined || (target !== 'REJECT' && target !== 'DROP')) {
    collector.warnings.push(`filter/${notUnderstood(rule)}`);
    return;
  }
  const { service, kind } = collector.find(rule, protocol);
  service.refusals.push({ target, reason: kind, port, ...(address === undefined ? {} : { address }) });
  if (place === 'nodePort') service.nodePort ??= port;
  else service.port ??= port;
  if (chain === 'KUBE-SERVICES' && address !== undefined) service.clusterIP ??= address;
  if (chain === 'KUBE-EXTERNAL-SERVICES' && address !== undefined && !isKnown(address, service)) service.externalIPs.push(address);
}

/** `-d ADDRESS -p … --dport`, or `-m addrtype --dst-type LOCAL -p … --dport` for a node port. */
function placeOf(rule: Rule, protocol: KubeProtocol, address: string | undefined): 'address' | 'nodePort' | undefined {
  if (address !== undefined) return testsExactly(rule, '-d', '-p', protocol) ? 'address' : undefined;
  const addrtype = opaqueMatch(rule, 'addrtype');
  const local = addrtype !== undefined && optionValue(textOptions(addrtype.text), '--dst-type') === 'LOCAL';
  return local && testsExactly(rule, '-p', protocol, 'addrtype') ? 'nodePort' : undefined;
}

const isKnown = (address: string, service: { externalIPs: string[]; loadBalancerIPs: string[] }): boolean =>
  service.externalIPs.includes(address) || service.loadBalancerIPs.includes(address);
