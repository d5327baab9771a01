import type { Rule, Ruleset } from '../model.ts';
import { optionValue, textOptions } from '../walk/matches/options.ts';
import { decodeBalancer, type Balancer } from './balancer.ts';
import { decodeExternal, decodeFirewall } from './external.ts';
import { addRefusals } from './refusals.ts';
import { serviceTypes, type KubeServicePort } from './service.ts';
import {
  chainsOf, commentOf, destinationPort, hostAddress, jumpTarget, notUnderstood, opaqueMatch, protocolOf, testsExactly, type Chains, type KubeProtocol,
} from './shape.ts';

/** The services of one ruleset, and what in kube-proxy's chains was not understood. */
export interface KubeServices {
  services: KubeServicePort[];
  warnings: string[];
}

/**
 * Recognises kube-proxy's structure in a ruleset and decodes it.
 *
 * What counts is where the rules lead, not what the chains are called alone: whatever does not fit exactly is reported
 * as an issue of its service, or as a warning when it belongs to none, and is not guessed at.
 */
export function decodeServices(ruleset: Ruleset): KubeServices {
  const nat = chainsOf(ruleset, 'nat');
  const collector = collect(ruleset, nat);
  for (const rule of nat.get('KUBE-SERVICES')?.rules ?? []) addAddress(rule, collector);
  for (const rule of nat.get('KUBE-NODEPORTS')?.rules ?? []) addNodePort(rule, collector);
  addRefusals(chainsOf(ruleset, 'filter'), collector);
  const services = [...collector.services.values()];
  for (const service of services) complete(service);
  services.sort((a, b) => order.compare(a.name, b.name) || order.compare(a.protocol, b.protocol));
  return { services, warnings: [...collector.warnings, ...checkEntrances(nat)] };
}

/** What the decoding of one ruleset fills. */
export interface Collector {
  nat: Chains;
  services: Map<string, KubeServicePort>;
  warnings: string[];
  /** The service that a rule's comment names, or the one of its chain; created on first sight. */
  find(rule: Rule, protocol: KubeProtocol): { service: KubeServicePort; kind: string };
}

const order = new Intl.Collator('en', { numeric: true });

/** What can only be said when every rule has been seen. */
function complete(service: KubeServicePort): void {
  service.types = serviceTypes(service);
  service.issues = [...new Set(service.issues)];
}

function collect({ family, backend }: Ruleset, nat: Chains): Collector {
  const services = new Map<string, KubeServicePort>();
  const find: Collector['find'] = (rule, protocol) => {
    const name = parseComment(commentOf(rule)) ?? { namespace: '?', service: jumpTarget(rule) ?? '?', kind: '' };
    const key = `${fullName(name)} ${protocol}`;
    const service = services.get(key) ?? emptyService(name, protocol, family, backend);
    services.set(key, service);
    return { service, kind: name.kind };
  };
  return { nat, services, warnings: [], find };
}

type Name = Pick<KubeServicePort, 'namespace' | 'service' | 'portName'> & { kind: string };

/** `ns/name:port cluster IP` → its parts and what follows the name. */
function parseComment(comment: string): Name | undefined {
  const [, namespace, service, portName, kind = ''] = /^([^\s/]+)\/([^\s/:]+)(?::(\S+))?(?: (.*))?$/.exec(comment) ?? [];
  if (namespace === undefined || service === undefined) return undefined;
  return { namespace, service, kind, ...(portName === undefined ? {} : { portName }) };
}

const fullName = ({ namespace, service, portName }: Omit<Name, 'kind'>): string =>
  `${namespace}/${service}${portName === undefined ? '' : `:${portName}`}`;

function emptyService(name: Name, protocol: KubeProtocol, family: Ruleset['family'], backend: Ruleset['backend']): KubeServicePort {
  const { namespace, service, portName } = name;
  return {
    name: fullName(name), namespace, service, ...(portName === undefined ? {} : { portName }), types: [], family, backend, protocol,
    externalIPs: [], loadBalancerIPs: [], sourceRanges: [], backends: [], localBackends: [], masquerade: { all: false, external: false }, refusals: [],
    issues: namespace === '?' ? ['no comment names the service'] : [],
  };
}

/** A rule of KUBE-SERVICES: one address of a service, or the way to the node ports at the end. */
function addAddress(rule: Rule, collector: Collector): void {
  if (leadsToNodePorts(rule)) return;
  const protocol = protocolOf(rule);
  const address = hostAddress(rule.destination);
  const port = destinationPort(rule);
  const target = jumpTarget(rule);
  if (protocol === undefined || address === undefined || port === undefined || target === undefined) {
    collector.warnings.push(notUnderstood(rule));
    return;
  }
  if (target === 'KUBE-MARK-MASQ') return addOldMasquerade(rule, protocol, collector);
  if (!testsExactly(rule, '-d', '-p', protocol)) return void collector.warnings.push(notUnderstood(rule));
  const { service, kind } = collector.find(rule, protocol);
  service.port ??= port;
  if (port !== service.port) service.issues.push(`port ${port} of ${address} differs from ${service.port}`);
  if (kind === 'loadbalancer IP') service.loadBalancerIPs.push(address);
  else if (kind === 'external IP' || target.startsWith('KUBE-EXT-')) service.externalIPs.push(address);
  else service.clusterIP = address;
  enter(service, target, kind, rule, collector);
}

/** kube-proxy before 1.23 marked in KUBE-SERVICES itself, just before the jump. */
function addOldMasquerade(rule: Rule, protocol: KubeProtocol, collector: Collector): void {
  const { service } = collector.find(rule, protocol);
  service.masquerade.all ||= rule.source === undefined;
}

function addNodePort(rule: Rule, collector: Collector): void {
  const protocol = protocolOf(rule);
  const port = destinationPort(rule);
  const target = jumpTarget(rule);
  if (protocol === undefined || port === undefined || target === undefined || !testsExactly(rule, '-p', protocol)) {
    collector.warnings.push(notUnderstood(rule));
    return;
  }
  const { service, kind } = collector.find(rule, protocol);
  service.nodePort = port;
  enter(service, target, kind, rule, collector);
}

/** Follows the jump from an entrance to the backends. */
function enter(service: KubeServicePort, target: string, kind: string, rule: Rule, collector: Collector): void {
  if (target.startsWith('KUBE-SVC-') || target.startsWith('KUBE-SVL-')) return enterBalancer(service, target, collector.nat, true);
  if (target.startsWith('KUBE-EXT-')) return enterExternal(service, target, collector.nat);
  if (!target.startsWith('KUBE-FW-')) return void service.issues.push(notUnderstood(rule));
  const firewall = decodeFirewall(target, collector.nat);
  service.issues.push(...firewall.issues, ...(kind === 'loadbalancer IP' ? [] : [`${target} guards a ${kind}`]));
  service.sourceRanges = firewall.ranges;
  if (firewall.external !== undefined) enterExternal(service, firewall.external, collector.nat);
}

function enterBalancer(service: KubeServicePort, chain: string, nat: Chains, fromClusterIp: boolean): void {
  const balancer = decodeBalancer(chain, nat);
  service.issues.push(...balancer.issues);
  const local = chain.startsWith('KUBE-SVL-');
  if (local) service.localBackends = balancer.backends;
  else service.backends = balancer.backends;
  if (balancer.affinitySeconds !== undefined) service.affinitySeconds = balancer.affinitySeconds;
  if (!fromClusterIp) return;
  service.internalTrafficPolicy = local ? 'Local' : 'Cluster';
  addMasquerade(service, balancer);
}

function addMasquerade(service: KubeServicePort, balancer: Balancer): void {
  if (balancer.masqueradesOutside !== undefined) service.masquerade.outside = balancer.masqueradesOutside;
  service.masquerade.all ||= balancer.masqueradesAll;
}

function enterExternal(service: KubeServicePort, chain: string, nat: Chains): void {
  const external = decodeExternal(chain, nat);
  service.issues.push(...external.issues);
  if (external.policy !== undefined) service.externalTrafficPolicy = external.policy;
  service.masquerade.external ||= external.policy === 'Cluster';
  if (external.all !== undefined) enterBalancer(service, external.all, nat, false);
  if (external.local !== undefined) enterBalancer(service, external.local, nat, false);
}

function leadsToNodePorts(rule: Rule): boolean {
  const addrtype = opaqueMatch(rule, 'addrtype');
  return addrtype !== undefined && jumpTarget(rule) === 'KUBE-NODEPORTS' && testsExactly(rule, 'addrtype')
    && optionValue(textOptions(addrtype.text), '--dst-type') === 'LOCAL';
}

/** Rules that no packet reaches serve nobody. */
function checkEntrances(nat: Chains): string[] {
  if (!nat.has('KUBE-SERVICES')) return [];
  return ['PREROUTING', 'OUTPUT'].filter((chain) => !nat.get(chain)?.rules.some((rule) => jumpTarget(rule) === 'KUBE-SERVICES'))
    .map((chain) => `nat/${chain} does not lead to KUBE-SERVICES`);
}
