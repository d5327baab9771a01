/**
 * A base chain with all that it calls as one sequence of guarded effects, in the order in which a packet meets them.
 *
 * A called chain is written out at every call, under the guard of the call; RETURN skips to the end of the copy. Entries
 * come one by one: 100,000 rules with their boxes are more memory than anything that is made of them.
 */

import { OperationError } from '../../../lib/errors.ts';
import type { Chain, Rule, Ruleset } from '../../netfilter/index.ts';
import { filterTable, opaqueParts } from '../handling.ts';
import { numberRules, type HookName, type RuleHandling, type RuleIds } from '../outcome.ts';
import { boxesOf, type Box } from './boxes.ts';

export type Effect =
  | { kind: 'count'; rule: number }
  | { kind: 'native'; rule: number }
  | { kind: 'verdict'; verdict: 'ACCEPT' | 'DROP' }
  /** Go on with the entry at index `to`, which is known when the sequence has ended. */
  | { kind: 'skip'; to: number };

type Skip = Extract<Effect, { kind: 'skip' }>;

/** Happens to packets inside the guards, all of which must hold. */
export interface Entry {
  guards: readonly Box[];
  effect: Effect;
}

export interface FlattenOptions {
  handling: readonly RuleHandling[];
  exactCounters: boolean;
}

/** Entries beyond this, copies of called chains, are not proven; no real ruleset comes near. */
const MOST_ENTRIES = 4_000_000;

/** @throws OperationError SL3102 when the chains are called so often that they cannot be written out. */
export function flatten(ruleset: Ruleset, hook: HookName, options: FlattenOptions): Iterable<Entry> {
  return new Flattener(ruleset, options).base(hook);
}

class Flattener {
  readonly #ruleset: Ruleset;
  readonly #options: FlattenOptions;
  readonly #ids: RuleIds;
  readonly #chains: ReadonlyMap<string, Chain>;
  #count = 0;

  constructor(ruleset: Ruleset, options: FlattenOptions) {
    this.#ruleset = ruleset;
    this.#options = options;
    this.#ids = numberRules(ruleset);
    this.#chains = new Map(filterTable(ruleset)!.chains.map((chain) => [chain.name, chain]));
  }

  *base(hook: HookName): Generator<Entry, void> {
    const chain = this.#chains.get(hook)!;
    yield* this.#writeChain(chain, []);
    if (this.#options.exactCounters) yield this.#entry([], { kind: 'count', rule: this.#ids.policyId(hook) });
    yield this.#entry([], { kind: 'verdict', verdict: chain.policy === 'DROP' ? 'DROP' : 'ACCEPT' });
  }

  *#writeChain(chain: Chain, guards: readonly Box[]): Generator<Entry, void> {
    const returns: Skip[] = [];
    for (const rule of chain.rules) yield* this.#writeRule(rule, guards, returns);
    for (const skip of returns) skip.to = this.#count;
  }

  *#writeRule(rule: Rule, guards: readonly Box[], returns: Skip[]): Generator<Entry, void> {
    const id = this.#ids.id(rule.chain, rule.number);
    const native = this.#options.handling[id]!.kind === 'native';
    const boxes = boxesOf(rule, this.#ruleset);
    // The kernel runs a native rule itself, so it also drops by itself.
    const { match, drop } = native ? { match: [...boxes.drop, ...boxes.match], drop: [] } : boxes;
    for (const one of drop) yield this.#entry([...guards, one], { kind: 'verdict', verdict: 'DROP' });
    for (const one of match) {
      const inside = one.size === 0 ? guards : [...guards, one];
      if (native) yield* this.#writeNative(rule, id, inside, returns);
      else yield* this.#writeEffect(rule, id, inside, returns);
    }
  }

  *#writeNative(rule: Rule, id: number, guards: readonly Box[], returns: Skip[]): Generator<Entry, void> {
    yield this.#entry(guards, { kind: 'native', rule: id });
    const { target } = rule;
    if (target.kind === 'native' && target.terminating && opaqueParts(rule).length === 0) yield this.#entry(guards, { kind: 'verdict', verdict: 'DROP' });
    if (target.kind === 'goto') yield this.#skip(guards, returns);
  }

  *#writeEffect(rule: Rule, id: number, guards: readonly Box[], returns: Skip[]): Generator<Entry, void> {
    if (this.#options.exactCounters) yield this.#entry(guards, { kind: 'count', rule: id });
    const { target } = rule;
    if (target.kind === 'accept') yield this.#entry(guards, { kind: 'verdict', verdict: 'ACCEPT' });
    if (target.kind === 'drop') yield this.#entry(guards, { kind: 'verdict', verdict: 'DROP' });
    if (target.kind === 'jump' || target.kind === 'goto') yield* this.#writeChain(this.#chains.get(target.chain)!, guards);
    if (target.kind === 'return' || target.kind === 'goto') yield this.#skip(guards, returns);
  }

  #skip(guards: readonly Box[], returns: Skip[]): Entry {
    const effect: Skip = { kind: 'skip', to: -1 };
    returns.push(effect);
    return this.#entry(guards, effect);
  }

  #entry(guards: readonly Box[], effect: Effect): Entry {
    if (this.#count++ >= MOST_ENTRIES)
      throw new OperationError('the chains call each other too often to be proven', { code: 'SL3102', hints: ['keep the most called chain in iptables: --keep-in-iptables CHAIN'] });
    return { guards, effect };
  }
}
