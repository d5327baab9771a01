/**
 * A base chain with all that it calls as one list of guarded effects, in the order in which a packet meets them.
 *
 * A called chain is written out at every call, under the guard of the call; RETURN skips to the end of the copy.
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
  /** Go on with the entry at index `to`. */
  | { kind: 'skip'; to: number };

/** Happens to packets inside the guards, all of which must hold. */
export interface Entry {
  guards: readonly Box[];
  effect: Effect;
}

export interface FlattenOptions {
  handling: readonly RuleHandling[];
  exactCounters: boolean;
}

/** Copies of called chains beyond this are not proven; no real ruleset comes near. */
const MOST_ENTRIES = 4_000_000;

/** @throws OperationError SL3102 when the chains are called so often that the list cannot be written out. */
export function flatten(ruleset: Ruleset, hook: HookName, options: FlattenOptions): Entry[] {
  return new Flattener(ruleset, options).base(hook);
}

class Flattener {
  readonly #ruleset: Ruleset;
  readonly #options: FlattenOptions;
  readonly #ids: RuleIds;
  readonly #chains: ReadonlyMap<string, Chain>;
  readonly #boxes = new Map<Rule, ReturnType<typeof boxesOf>>();
  readonly #entries: Entry[] = [];

  constructor(ruleset: Ruleset, options: FlattenOptions) {
    this.#ruleset = ruleset;
    this.#options = options;
    this.#ids = numberRules(ruleset);
    this.#chains = new Map(filterTable(ruleset)!.chains.map((chain) => [chain.name, chain]));
  }

  base(hook: HookName): Entry[] {
    const chain = this.#chains.get(hook)!;
    this.#writeChain(chain, []);
    if (this.#options.exactCounters) this.#add([], { kind: 'count', rule: this.#ids.policyId(hook) });
    this.#add([], { kind: 'verdict', verdict: chain.policy === 'DROP' ? 'DROP' : 'ACCEPT' });
    return this.#entries;
  }

  #writeChain(chain: Chain, guards: readonly Box[]): void {
    const returns: Extract<Effect, { kind: 'skip' }>[] = [];
    for (const rule of chain.rules) this.#writeRule(rule, guards, returns);
    for (const skip of returns) skip.to = this.#entries.length;
  }

  #writeRule(rule: Rule, guards: readonly Box[], returns: Extract<Effect, { kind: 'skip' }>[]): void {
    const id = this.#ids.id(rule.chain, rule.number);
    const native = this.#options.handling[id]!.kind === 'native';
    let boxes = this.#boxes.get(rule);
    if (boxes === undefined) this.#boxes.set(rule, (boxes = boxesOf(rule, this.#ruleset)));
    // The kernel runs a native rule itself, so it also drops by itself.
    const { match, drop } = native ? { match: [...boxes.drop, ...boxes.match], drop: [] } : boxes;
    for (const one of drop) this.#add([...guards, one], { kind: 'verdict', verdict: 'DROP' });
    for (const one of match) {
      const inside = one.size === 0 ? guards : [...guards, one];
      if (native) this.#writeNative(rule, id, inside, returns);
      else this.#writeEffect(rule, id, inside, returns);
    }
  }

  #writeNative(rule: Rule, id: number, guards: readonly Box[], returns: Extract<Effect, { kind: 'skip' }>[]): void {
    this.#add(guards, { kind: 'native', rule: id });
    const { target } = rule;
    if (target.kind === 'native' && target.terminating && opaqueParts(rule).length === 0) this.#add(guards, { kind: 'verdict', verdict: 'DROP' });
    if (target.kind === 'goto') this.#skip(guards, returns);
  }

  #writeEffect(rule: Rule, id: number, guards: readonly Box[], returns: Extract<Effect, { kind: 'skip' }>[]): void {
    if (this.#options.exactCounters) this.#add(guards, { kind: 'count', rule: id });
    const { target } = rule;
    switch (target.kind) {
      case 'accept':
        return this.#add(guards, { kind: 'verdict', verdict: 'ACCEPT' });
      case 'drop':
        return this.#add(guards, { kind: 'verdict', verdict: 'DROP' });
      case 'return':
        return this.#skip(guards, returns);
      case 'jump':
        return this.#writeChain(this.#chains.get(target.chain)!, guards);
      case 'goto':
        this.#writeChain(this.#chains.get(target.chain)!, guards);
        return this.#skip(guards, returns);
      default:
        return;
    }
  }

  #skip(guards: readonly Box[], returns: Extract<Effect, { kind: 'skip' }>[]): void {
    const effect: Extract<Effect, { kind: 'skip' }> = { kind: 'skip', to: -1 };
    returns.push(effect);
    this.#add(guards, effect);
  }

  #add(guards: readonly Box[], effect: Effect): void {
    if (this.#entries.length >= MOST_ENTRIES)
      throw new OperationError('the chains call each other too often to be proven', { code: 'SL3102', hints: ['keep the most called chain in iptables: --keep-in-iptables CHAIN'] });
    this.#entries.push({ guards, effect });
  }
}
