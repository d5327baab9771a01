import type { Chain, Match, Rule, Ruleset, Table } from '../netfilter/index.ts';
import { HOOKS, numberRules, type HookName, type RuleHandling } from './outcome.ts';

/** The filter table of a ruleset, if it has one. */
export const filterTable = (ruleset: Ruleset): Table | undefined => ruleset.tables.find((table) => table.name === 'filter');

/**
 * Says for every rule of the filter table, by rule id, how a migration carries it.
 *
 * A rule with a match or target that sluice does not interpret can still be run by the kernel where the walk goes on the
 * same way whatever comes of it. It cannot where it decides the way: a jump, goto or RETURN under such a match.
 *
 * `keptChains` stay in iptables as they are; a kept base chain leaves its whole hook alone.
 */
export function classifyRules(ruleset: Ruleset, keptChains: ReadonlySet<string>): RuleHandling[] {
  const table = filterTable(ruleset);
  if (table === undefined) return [];
  const chains = new Map(table.chains.map((chain) => [chain.name, chain]));
  const migrated = reach(chains, Object.keys(HOOKS).filter((name) => !keptChains.has(name)), keptChains);
  const kept = reach(chains, [...keptChains], new Set());
  const ids = numberRules(ruleset);
  const marksTested = [...migrated].some((name) => chains.get(name)!.rules.some((rule) => rule.matches.some(isMark)));
  const handling: RuleHandling[] = [];
  for (const chain of table.chains)
    for (const rule of chain.rules)
      handling[ids.id(chain.name, rule.number)] = migrated.has(chain.name)
        ? handleRule(rule, ruleset, keptChains, marksTested)
        : { kind: kept.has(chain.name) ? 'kept' : 'unreachable' };
  return handling;
}

/** The hooks whose base chain exists and is not kept. */
export function migratedHooks(ruleset: Ruleset, keptChains: ReadonlySet<string>): HookName[] {
  const names = new Set(filterTable(ruleset)?.chains.map((chain) => chain.name));
  return (Object.keys(HOOKS) as HookName[]).filter((hook) => names.has(hook) && !keptChains.has(hook));
}

/** Chains that can be reached from `roots` by jumps and gotos, without entering those in `closed`. */
export function reach(chains: ReadonlyMap<string, Chain>, roots: readonly string[], closed: ReadonlySet<string>): Set<string> {
  const seen = new Set<string>();
  const waiting = [...roots];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    const chain = chains.get(name);
    if (chain === undefined || seen.has(name)) continue;
    seen.add(name);
    for (const { target } of chain.rules)
      if ((target.kind === 'jump' || target.kind === 'goto') && !closed.has(target.chain)) waiting.push(target.chain);
  }
  return seen;
}

/** Matches of which sluice does not know when they are true, in words. */
export function opaqueParts(rule: Rule): string[] {
  return rule.matches.flatMap((match) => {
    if (match.kind === 'opaque') return [`-m ${match.name}`];
    return uninterpreted(match).map((text) => `${match.kind} ${text}`);
  });
}

const uninterpreted = (match: Match): readonly string[] => ('uninterpreted' in match ? match.uninterpreted : []);

const isMark = (match: Match): boolean => match.kind === 'mark';

function handleRule(rule: Rule, { backend }: Ruleset, keptChains: ReadonlySet<string>, marksTested: boolean): RuleHandling {
  const opaque = opaqueParts(rule);
  const { target } = rule;
  const toKept = (target.kind === 'jump' || target.kind === 'goto') && keptChains.has(target.chain);
  if (backend === 'nft' && rule.matches.some(isMergedNegation))
    return unsupported('iptables-nft may store two negated ports as one test with another meaning; write two rules');
  if (opaque.length > 0 && decidesTheWay(rule) && !(toKept && target.kind === 'jump'))
    return unsupported(`${opaque.join(', ')} decides where the walk goes on (${target.kind})`);
  if (target.kind === 'native' && target.setsMark !== undefined && marksTested)
    return unsupported(`${target.name} changes the mark that a later rule tests`);
  if (target.kind === 'native' && (target.name === 'CONNMARK' || target.name === 'SET') && marksTested)
    return unsupported(`${target.name} may change the mark that a later rule tests`);
  if (toKept) return { kind: 'native', reason: `chain ${target.chain} is kept in iptables` };
  if (opaque.length > 0) return { kind: 'native', reason: `${opaque.join(', ')} stays the kernel's own` };
  if (target.kind === 'native') return { kind: 'native', reason: `${target.name} stays the kernel's own` };
  return { kind: 'exact' };
}

const unsupported = (reason: string): RuleHandling => ({ kind: 'unsupported', reason });

const decidesTheWay = ({ target }: Rule): boolean =>
  target.kind === 'jump' || target.kind === 'goto' || target.kind === 'return';

/** `! --sport A ! --dport B`: one wider compare in the kernel, an OR instead of an AND (nft 1.0.6, iptables-nft 1.8.9). */
function isMergedNegation(match: Match): boolean {
  return (match.kind === 'tcp' || match.kind === 'udp') && match.sourcePort?.negated === true && match.destinationPort?.negated === true;
}
