import { formatPrefix } from '../../../lib/ip.ts';
import type { Rule } from '../model.ts';
import { optionValue, textOptions } from '../walk/matches/options.ts';
import { jumpTarget, notUnderstood, opaqueMatch, testsExactly, type Chains } from './shape.ts';

/** What a KUBE-EXT chain does: how traffic from outside the cluster reaches the backends. */
export interface External {
  /** `Cluster`: any backend, masqueraded. `Local`: only backends on this node, source address kept. */
  policy?: 'Cluster' | 'Local';
  /** Pods inside this prefix may use any backend although the policy is `Local`. */
  podCidr?: string;
  /** KUBE-SVC chain with all backends, and KUBE-SVL chain with the local ones. */
  all?: string;
  local?: string;
  issues: string[];
}

/** Decodes a KUBE-EXT chain. */
export function decodeExternal(chain: string, nat: Chains): External {
  const external: External = { issues: [] };
  const rules = nat.get(chain)?.rules;
  if (rules === undefined) return { issues: [`${chain} does not exist`] };
  for (const rule of rules) decodeRule(rule, external);
  if (external.policy === undefined) external.issues.push(`${chain} leads to no service chain`);
  return external;
}

function decodeRule(rule: Rule, external: External): void {
  const target = jumpTarget(rule) ?? '';
  if (target === 'KUBE-MARK-MASQ' && (testsExactly(rule) || fromThisNode(rule))) return;
  if (target.startsWith('KUBE-SVC-')) {
    if (!decodeAll(rule, external)) external.issues.push(notUnderstood(rule));
    else external.all = target;
  } else if (target.startsWith('KUBE-SVL-') && testsExactly(rule)) {
    external.policy = 'Local';
    external.local = target;
  } else external.issues.push(notUnderstood(rule));
}

/** A jump to all backends: of everything (policy Cluster), or of pods and of the node itself (policy Local). */
function decodeAll(rule: Rule, external: External): boolean {
  if (testsExactly(rule)) {
    external.policy = 'Cluster';
    return true;
  }
  const [pods] = rule.source?.value ?? [];
  if (fromThisNode(rule)) external.policy = 'Local';
  else if (testsExactly(rule, '-s') && rule.source?.negated === false && pods !== undefined) {
    external.policy = 'Local';
    external.podCidr = formatPrefix(pods.address, pods.mask);
  } else return false;
  return true;
}

function fromThisNode(rule: Rule): boolean {
  const addrtype = opaqueMatch(rule, 'addrtype');
  return addrtype !== undefined && testsExactly(rule, 'addrtype') && optionValue(textOptions(addrtype.text), '--src-type') === 'LOCAL';
}

/** What a KUBE-FW chain does: only these sources go on to the external chain. */
export interface SourceFirewall {
  ranges: string[];
  external?: string;
  issues: string[];
}

/** Decodes a KUBE-FW chain: `-s RANGE -j KUBE-EXT-x` for each range; what is left is dropped in the filter table. */
export function decodeFirewall(chain: string, nat: Chains): SourceFirewall {
  const firewall: SourceFirewall = { ranges: [], issues: [] };
  for (const rule of nat.get(chain)?.rules ?? []) {
    const [range, ...more] = rule.source?.value ?? [];
    const target = jumpTarget(rule);
    if (range !== undefined && more.length === 0 && !rule.source!.negated && testsExactly(rule, '-s') && target?.startsWith('KUBE-EXT-') === true) {
      firewall.ranges.push(formatPrefix(range.address, range.mask));
      firewall.external = target;
    } else if (!endsQuietly(rule)) firewall.issues.push(notUnderstood(rule));
  }
  if (firewall.external === undefined) firewall.issues.push(`${chain} lets nobody through`);
  return firewall;
}

/** The last rule only counts; older kube-proxies marked the packet for dropping there. */
const endsQuietly = (rule: Rule): boolean =>
  testsExactly(rule) && (rule.target.kind === 'none' || jumpTarget(rule) === 'KUBE-MARK-DROP');
