import { ownerOf } from '../listing/owner.ts';
import type { Rule } from '../model.ts';

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
  const owner = ownerOf(rule.chain, led, comment ?? '');
  return owner === 'unknown' ? comment : owner;
}
