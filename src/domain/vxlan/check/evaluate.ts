/** Asks all checks, and keeps quiet about what is only the consequence of another finding. */

import { CHECKS } from './checks/index.ts';
import type { Check, CheckOutcome, CheckResult, Finding } from './finding.ts';
import type { Situation } from './model.ts';

/** The outcome of every check, in the order of their ids. */
export function evaluate(situation: Situation, checks: readonly Check[] = CHECKS): CheckOutcome[] {
  const found = new Map<string, Finding[]>();
  for (const check of checks) if (isAsked(check, situation)) found.set(check.id, check.find(situation));
  return checks.map((check) => outcomeOf(check, isExplained(check, found) ? [] : found.get(check.id)));
}

function isAsked({ needs }: Check, situation: Situation): boolean {
  if (needs === 'peer') return situation.peers.length > 0;
  if (needs === 'firewall') return firewallIsKnown(situation);
  return needs !== 'probe' || !situation.static;
}

/** By its rules, or because packets were sent and the kernel said what became of them. */
export const firewallIsKnown = ({ here, peers }: Situation): boolean => [here, ...peers].every(({ audit: { firewall }, sawDrops }) =>
  sawDrops || (firewall !== undefined && firewall.every(({ verdict }) => verdict !== 'undetermined')));

const isExplained = ({ explainedBy = [] }: Check, found: ReadonlyMap<string, Finding[]>): boolean =>
  explainedBy.some((id) => (found.get(id) ?? []).some(({ severity }) => severity === 'error'));

function outcomeOf({ id, name, title }: Check, findings: Finding[] | undefined): CheckOutcome {
  return { id, name, title, result: resultOf(findings), findings: findings ?? [] };
}

function resultOf(findings: readonly Finding[] | undefined): CheckResult {
  if (findings === undefined) return 'skip';
  if (findings.some(({ severity }) => severity === 'error')) return 'fail';
  return findings.length > 0 ? 'warn' : 'ok';
}
