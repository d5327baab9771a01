import { formatPrefix } from '../../../lib/ip.ts';
import type { Rule } from '../model.ts';
import { optionValue, textOptions } from '../walk/matches/options.ts';
import { decodeEndpoint, type Endpoint } from './endpoint.ts';
import { jumpTarget, notUnderstood, opaqueMatch, testsExactly, testsOf, type Chains } from './shape.ts';

/** One backend and its share of the new connections. */
export interface KubeBackend {
  address: string;
  port: number;
  /** 0 to 1; the shares of all backends add up to 1 when nothing falls through. */
  probability: number;
  /** The chain of the endpoint. */
  chain: string;
}

/** What a KUBE-SVC or KUBE-SVL chain does. */
export interface Balancer {
  chain: string;
  backends: KubeBackend[];
  /** Sources outside this prefix are masqueraded; absent when that does not depend on the source. */
  masqueradesOutside?: string;
  /** Everything is masqueraded (`--masquerade-all`). */
  masqueradesAll: boolean;
  affinitySeconds?: number;
  issues: string[];
}

/**
 * Decodes the chain of a service: an optional masquerade mark, optional affinity rules, then a cascade of `statistic`
 * matches whose probabilities are multiplied out: endpoint i gets p_i · Π_{j<i} (1 − p_j), the last one the rest.
 */
export function decodeBalancer(chain: string, nat: Chains): Balancer {
  const balancer: Balancer = { chain, backends: [], masqueradesAll: false, issues: [] };
  const rules = nat.get(chain)?.rules;
  if (rules === undefined) return { ...balancer, issues: [`${chain} does not exist`] };
  let rest = 1;
  for (const rule of rules) {
    if (decodeMasquerade(rule, balancer) || decodeAffinity(rule, balancer)) continue;
    const share = rest === 0 ? undefined : shareOf(rule);
    if (share === undefined) balancer.issues.push(notUnderstood(rule));
    else rest = addBackend(balancer, decodeEndpoint(jumpTarget(rule)!, nat), share, rest);
  }
  if (rest > 1e-9) balancer.issues.push(`${percent(rest)} of new connections reach no backend of ${chain}`);
  return checkWeights(checkAffinity(balancer, rules, nat));
}

/** Records the endpoint and returns what is left of the connections. */
function addBackend(balancer: Balancer, endpoint: Endpoint, share: number, rest: number): number {
  balancer.issues.push(...endpoint.issues);
  if (endpoint.address !== undefined && endpoint.port !== undefined) {
    balancer.backends.push({ address: endpoint.address, port: endpoint.port, probability: rest * share, chain: endpoint.chain });
  }
  return rest * (1 - share);
}

/** `[! -s PODS] [-d VIP …] -j KUBE-MARK-MASQ` before the first backend. */
function decodeMasquerade(rule: Rule, balancer: Balancer): boolean {
  if (jumpTarget(rule) !== 'KUBE-MARK-MASQ' || balancer.backends.length > 0) return false;
  const [prefix, ...more] = rule.source?.value ?? [];
  if (rule.source === undefined) balancer.masqueradesAll = true;
  else if (rule.source.negated && prefix !== undefined && more.length === 0) balancer.masqueradesOutside = formatPrefix(prefix.address, prefix.mask);
  else return false;
  return true;
}

/** `-m recent --rcheck --seconds T --reap --name SEP -j SEP` before the first backend. */
function decodeAffinity(rule: Rule, balancer: Balancer): boolean {
  const recent = opaqueMatch(rule, 'recent');
  if (recent === undefined || balancer.backends.length > 0 || !testsExactly(rule, 'recent')) return false;
  const options = textOptions(recent.text);
  const seconds = Number(optionValue(options, '--seconds'));
  if (!options.some(({ name }) => name === '--rcheck') || !Number.isInteger(seconds) || optionValue(options, '--name') !== jumpTarget(rule)) return false;
  if (balancer.affinitySeconds !== undefined && balancer.affinitySeconds !== seconds) return false;
  balancer.affinitySeconds = seconds;
  return true;
}

/** The rule's own probability: 1 without `statistic`; undefined when it is not a jump to an endpoint by chance. */
function shareOf(rule: Rule): number | undefined {
  if (jumpTarget(rule)?.startsWith('KUBE-SEP-') !== true) return undefined;
  if (testsOf(rule).length === 0) return 1;
  const statistic = opaqueMatch(rule, 'statistic');
  if (statistic === undefined || !testsExactly(rule, 'statistic')) return undefined;
  const options = textOptions(statistic.text);
  const share = Number(optionValue(options, '--probability'));
  return optionValue(options, '--mode') === 'random' && share >= 0 && share <= 1 && !options.some(({ negated }) => negated) ? share : undefined;
}

/** Every backend must remember its clients under its own name when the service asks for them. */
function checkAffinity(balancer: Balancer, rules: readonly Rule[], nat: Chains): Balancer {
  if (balancer.affinitySeconds === undefined) return balancer;
  const asked = new Set(rules.filter((rule) => opaqueMatch(rule, 'recent') !== undefined).map(jumpTarget));
  for (const { chain } of balancer.backends) {
    if (!asked.has(chain)) balancer.issues.push(`${balancer.chain} has no affinity rule for ${chain}`);
    if (!decodeEndpoint(chain, nat).remembers) balancer.issues.push(`${chain} does not remember its clients`);
  }
  return balancer;
}

/** The kernel keeps probabilities in 31 bits and kube-proxy writes ten digits: equal means to six digits. */
function checkWeights(balancer: Balancer): Balancer {
  const even = 1 / balancer.backends.length;
  if (balancer.backends.some(({ probability }) => Math.abs(probability - even) > 1e-6)) balancer.issues.push('backends have unequal shares');
  return balancer;
}

const percent = (share: number): string => `${(share * 100).toFixed(1)} %`;
