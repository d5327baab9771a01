import type { Rule } from '../model.ts';

/** Who writes chains of this name. */
const OWNERS: readonly (readonly [RegExp, string])[] = [
  [/^KUBE-/, 'kube-proxy'],
  [/^cali-/, 'calico'],
  [/^CILIUM_/, 'cilium'],
  [/^FLANNEL-/, 'flannel'],
  [/^DOCKER/, 'docker'],
  [/^ISTIO_/, 'istio'],
  [/^ufw6?-/, 'ufw'],
  [/^f2b-/, 'fail2ban'],
  [/^LIBVIRT_/, 'libvirt'],
  [/^SLUICE-/, 'sluice'],
];

/**
 * What a rule is about, in the words of whoever wrote it: the service of a kube-proxy rule, else the writer of the chain
 * that it is in or leads to, else its comment. Undefined when nothing tells.
 */
export function objectOf(rule: Rule): string | undefined {
  const comment = rule.matches.find((match) => match.kind === 'comment')?.text;
  const led = rule.target.kind === 'jump' || rule.target.kind === 'goto' ? rule.target.chain : '';
  if (rule.chain.startsWith('KUBE-')) {
    const service = comment?.split(' ').find((word) => /^[^/]+\/[^/]+$/.test(word));
    if (service !== undefined) return `${rule.chain.startsWith('KUBE-SEP-') ? 'endpoint' : 'svc'} ${service}`;
  }
  return ownerOf(rule.chain) ?? ownerOf(led) ?? comment;
}

const ownerOf = (chain: string): string | undefined => OWNERS.find(([pattern]) => pattern.test(chain))?.[1];
