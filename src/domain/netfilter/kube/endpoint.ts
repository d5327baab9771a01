import { hostAddress, jumpTarget, notUnderstood, opaqueMatch, targetName, testsOf, type Chains } from './shape.ts';
import type { Rule } from '../model.ts';

/** What a KUBE-SEP chain does. */
export interface Endpoint {
  chain: string;
  /** Where connections are sent; undefined when the chain does not send them anywhere. */
  address?: string;
  port?: number;
  /** The endpoint's own connections to the service are masqueraded, so that the answer comes back through the node. */
  hairpin: boolean;
  /** Clients are remembered for session affinity. */
  remembers: boolean;
  issues: string[];
}

/** Decodes `-s ENDPOINT -j KUBE-MARK-MASQ` and `[-m recent --set] -j DNAT --to-destination ENDPOINT:PORT`. */
export function decodeEndpoint(chain: string, nat: Chains): Endpoint {
  const endpoint: Endpoint = { chain, hairpin: false, remembers: false, issues: [] };
  const rules = nat.get(chain)?.rules;
  if (rules === undefined) return { ...endpoint, issues: [`${chain} does not exist`] };
  for (const rule of rules) decodeRule(rule, endpoint);
  if (endpoint.address === undefined) endpoint.issues.push(`${chain} rewrites no destination`);
  else if (!endpoint.hairpin) endpoint.issues.push(`${chain} does not masquerade a pod that reaches itself`);
  return endpoint;
}

function decodeRule(rule: Rule, endpoint: Endpoint): void {
  if (endpoint.address === undefined && targetName(rule) === 'DNAT' && decodeDnat(rule, endpoint)) return;
  if (jumpTarget(rule) === 'KUBE-MARK-MASQ' && endpoint.address === undefined && hostAddress(rule.source) !== undefined) {
    endpoint.hairpin = true;
    return;
  }
  endpoint.issues.push(notUnderstood(rule));
}

function decodeDnat(rule: Rule, endpoint: Endpoint): boolean {
  const known = new Set(['-p', 'tcp', 'udp', 'sctp', 'recent']);
  const destination = rule.options.find(({ name }) => name === '--to-destination')?.values[0]?.value ?? '';
  const [, address, port] = /^\[?([0-9a-f.:]+?)\]?:(\d+)$/.exec(destination) ?? [];
  if (address === undefined || !testsOf(rule).every((test) => known.has(test))) return false;
  endpoint.address = address;
  endpoint.port = Number(port);
  endpoint.remembers = opaqueMatch(rule, 'recent')?.text.includes('--set') === true;
  return true;
}
