/**
 * The filter table that stays in iptables after a migration.
 *
 * A hook without native rules keeps an empty chain with policy ACCEPT: its netfilter link judges. Otherwise the chain asks
 * the engine: is the verdict a plain ACCEPT, else which action, bit by bit down a tree of chains. An action's chain runs
 * its native rules in order and ends in the verdict. A native rule stands in a chain of its own, once, spelled as it was:
 * so a rate limit keeps one bucket, and the kernel's counter of the rule is the rule's counter.
 *
 * The base chain keeps its policy behind all this, so that a failure ends where the old ruleset would have ended.
 */

import type { Chain, Counters, Rule } from '../netfilter/index.ts';
import { filterTable, type HookName, reach } from '../classifier/index.ts';
import { hooksOf, ruleText, type FamilyPlan } from './plan.ts';

/** Bits of the highest action number. */
export const actionBits = (plan: FamilyPlan): number => Math.max(1, Math.ceil(Math.log2(plan.image.actions.length)));

/** Where the programs that the chains ask are pinned. */
export interface ProgramPins {
  isAccept(hook: HookName): string;
  isBit(hook: HookName, bit: number): string;
}

export const nativeRuleChain = (id: number): string => `SLUICE-RULE-${id}`;

/** iptables-restore text of the whole filter table, with counters for the rules that stay. */
export function dispatchTable(plan: FamilyPlan, keep: readonly string[], pins: ProgramPins): string {
  const table = new TableText();
  for (const hook of ['INPUT', 'FORWARD', 'OUTPUT'] as const) writeHook(table, plan, keep, pins, hook);
  for (const chain of keptChains(plan, keep)) table.copy(chain);
  if (usesConntrack(plan)) {
    // Without a rule that needs it the kernel would stop tracking connections, and every packet would look INVALID.
    table.chain('SLUICE-KEEP-CONNTRACK');
    table.rule('SLUICE-KEEP-CONNTRACK', '-m conntrack --ctstate INVALID');
  }
  if (hooksOf(plan, 'dispatch').length > 0) writeActions(table, plan);
  return table.text();
}

class TableText {
  readonly #chains: string[] = [];
  readonly #rules: string[] = [];

  chain(name: string, policy = '-', counters: Counters = { packets: 0n, bytes: 0n }): void {
    this.#chains.push(`:${name} ${policy} [${counters.packets}:${counters.bytes}]`);
  }

  rule(chain: string, text: string, { packets, bytes }: Counters = { packets: 0n, bytes: 0n }): void {
    this.#rules.push(`[${packets}:${bytes}] -A ${chain} ${text}`);
  }

  copy(chain: Chain): void {
    this.chain(chain.name, chain.policy, chain.counters);
    for (const rule of chain.rules) this.rule(chain.name, ruleText(rule), rule.counters);
  }

  text(): string {
    return ['*filter', ...this.#chains, ...this.#rules, 'COMMIT', ''].join('\n');
  }
}

function writeHook(table: TableText, plan: FamilyPlan, keep: readonly string[], pins: ProgramPins, hook: HookName): void {
  const mode = plan.hooks.find((candidate) => candidate.hook === hook)?.mode;
  if (mode === undefined) {
    if (!keep.includes(hook)) table.chain(hook, 'ACCEPT');
    return;
  }
  if (mode === 'link') return table.chain(hook, 'ACCEPT');
  const chain = filterTable(plan.ruleset)!.chains.find(({ name }) => name === hook)!;
  table.chain(hook, chain.policy);
  table.rule(hook, `${bpfMatch(pins.isAccept(hook))} -j ACCEPT`);
  table.rule(hook, `-g ${writeTree(table, plan, pins, hook, actionBits(plan) - 1, 0)}`);
}

const bpfMatch = (path: string): string => `-m bpf --object-pinned ${path}`;

/** The chain for action numbers whose bits above `bit` are those of `prefix`; returns its name. */
function writeTree(table: TableText, plan: FamilyPlan, pins: ProgramPins, hook: HookName, bit: number, prefix: number): string {
  if (bit < 0) return actionChain(prefix);
  const name = `SLUICE-${hook}-${bit}-${prefix}`;
  const upper = prefix * 2 + 1;
  table.chain(name);
  if (upper * 2 ** bit < plan.image.actions.length)
    table.rule(name, `${bpfMatch(pins.isBit(hook, bit))} -g ${writeTree(table, plan, pins, hook, bit - 1, upper)}`);
  table.rule(name, `-g ${writeTree(table, plan, pins, hook, bit - 1, prefix * 2)}`);
  return name;
}

const actionChain = (action: number): string => `SLUICE-ACTION-${action}`;

function writeActions(table: TableText, plan: FamilyPlan): void {
  const rules = nativeRules(plan);
  for (const [action, { natives, verdict }] of plan.image.actions.entries()) {
    table.chain(actionChain(action));
    for (const id of natives) table.rule(actionChain(action), `-j ${nativeRuleChain(id)}`);
    table.rule(actionChain(action), `-j ${verdict}`);
  }
  for (const id of [...new Set(plan.image.actions.flatMap(({ natives }) => natives))].sort((a, b) => a - b)) {
    const rule = rules.get(id)!;
    table.chain(nativeRuleChain(id));
    table.rule(nativeRuleChain(id), ruleText(rule), rule.counters);
  }
}

/** The rules of the table by id. */
export function nativeRules({ ruleset, ruleIds }: FamilyPlan): Map<number, Rule> {
  const chains = filterTable(ruleset)!.chains;
  return new Map(chains.flatMap((chain) => chain.rules.map((rule) => [ruleIds.id(chain.name, rule.number), rule])));
}

function keptChains({ ruleset }: FamilyPlan, keep: readonly string[]): Chain[] {
  const chains = filterTable(ruleset)!.chains;
  const names = reach(new Map(chains.map((chain) => [chain.name, chain])), keep, new Set());
  return chains.filter((chain) => names.has(chain.name));
}

/** Whether the rules that leave iptables were what kept connection tracking on. */
function usesConntrack({ ruleset }: FamilyPlan): boolean {
  return filterTable(ruleset)!.chains.some((chain) =>
    chain.rules.some((rule) => rule.matches.some(({ kind }) => kind === 'conntrack' || kind === 'state')));
}
