/**
 * Rules to diagram: every chain becomes one diagram, rules joined two by two, so that a chain of n rules costs about
 * n log n instead of n squared.
 *
 * A chain's diagram does not depend on its callers: RETURN and falling through its end are terminals of their own, which
 * the caller plugs with what comes next (migration reference §4.1).
 */

import { OperationError, ParseError } from '../../lib/errors.ts';
import type { Chain, Rule, Ruleset } from '../netfilter/index.ts';
import { changeKind, Kind, mapTerminals, plug, restrictToZero } from './combine.ts';
import { Field, FIELD_ORDERS } from './fields.ts';
import { filterTable, migratedHooks, opaqueParts } from './handling.ts';
import { HOOKS, numberRules, type HookName, type RuleHandling, type RuleIds } from './outcome.ts';
import { maskedVariables, orHot, rulePredicate } from './predicate.ts';
import { BudgetExceeded, DiagramStore, orderVariables, type Ref } from './store.ts';

/** `exact`: every rule's own counter. `verdict`: only the decision, a much smaller diagram where rules overlap. */
export type CounterMode = 'exact' | 'verdict';

export interface CompileOptions {
  handling: readonly RuleHandling[];
  keptChains: ReadonlySet<string>;
  counters: CounterMode;
  /** Name of a field order in `FIELD_ORDERS`; the smallest of all on a sample when absent. */
  order?: string;
  /** Edges of all diagrams together, intermediate ones included. @default 32M */
  maxEdges?: number;
}

/** One diagram a hook, over one store. */
export interface Compiled {
  store: DiagramStore;
  order: string;
  roots: Partial<Record<HookName, Ref>>;
  ruleIds: RuleIds;
}

/** Calls nested deeper than any ruleset that a kernel takes: nf_tables allows 16. */
const MAX_CALL_DEPTH = 256;

/** Intermediate diagrams included; about 8 bytes each. */
export const DEFAULT_MAX_EDGES = 32 << 20;

/**
 * Compiles the filter table's base chains that are to be migrated.
 *
 * @throws BudgetExceeded when no field order keeps the diagram within `maxEdges`.
 * @throws ParseError when chains call each other in a circle.
 */
export function compileRuleset(ruleset: Ruleset, options: CompileOptions): Compiled {
  const input = { ruleset, options, ids: numberRules(ruleset) };
  const orders = options.order === undefined ? rankOrders(input) : [options.order];
  for (const [i, order] of orders.entries()) {
    try {
      return new ChainCompiler(input, order, options.maxEdges ?? DEFAULT_MAX_EDGES).compile();
    } catch (error) {
      if (!(error instanceof BudgetExceeded) || i === orders.length - 1) throw error;
    }
  }
  throw new TypeError('there is at least one field order');
}

interface Input {
  ruleset: Ruleset;
  options: CompileOptions;
  ids: RuleIds;
}

/** Rules of a chain that are enough to see which field order suits it. */
const SAMPLE = 250;

/** Field orders, the one with the fewest edges on a sample first. */
function rankOrders(input: Input): string[] {
  const sample = { ...input, ruleset: sampleRules(input.ruleset) };
  const sizes = Object.keys(FIELD_ORDERS).map((order) => ({ order, edges: sampleSize(sample, order) }));
  return sizes.sort((a, b) => a.edges - b.edges).map(({ order }) => order);
}

function sampleSize(input: Input, order: string): number {
  try {
    const { store, roots } = new ChainCompiler(input, order, 1 << 20).compile();
    return countEdges(store, Object.values(roots));
  } catch (error) {
    if (error instanceof BudgetExceeded) return Infinity;
    throw error;
  }
}

/** The same chains with at most SAMPLE rules each, spread evenly; rules keep their numbers. */
function sampleRules(ruleset: Ruleset): Ruleset {
  const thin = (chain: Chain): Chain => {
    const step = Math.ceil(chain.rules.length / SAMPLE);
    return step <= 1 ? chain : { ...chain, rules: chain.rules.filter((_rule, i) => i % step === 0) };
  };
  return { ...ruleset, tables: ruleset.tables.map((table) => ({ ...table, chains: table.chains.map(thin) })) };
}

/** Compiles the chains of one ruleset under one field order. */
class ChainCompiler {
  readonly #input: Input;
  readonly #order: string;
  readonly #store: DiagramStore;
  readonly #chains: ReadonlyMap<string, Chain>;
  readonly #done = new Map<string, Ref>();

  constructor(input: Input, order: string, maxEdges: number) {
    const chains = filterTable(input.ruleset)?.chains ?? [];
    const masked = maskedVariables(chains.flatMap((chain) => chain.rules), input.ruleset.family);
    this.#input = input;
    this.#order = order;
    this.#store = new DiagramStore(orderVariables(FIELD_ORDERS[order]!, masked), maxEdges);
    this.#chains = new Map(chains.map((chain) => [chain.name, chain]));
  }

  compile(): Compiled {
    const { ruleset, options, ids } = this.#input;
    const hooks = migratedHooks(ruleset, options.keptChains);
    for (const chain of this.#calleesFirst(hooks)) this.#done.set(chain.name, this.#joinRules(chain.rules, 0, chain.rules.length));
    const roots = Object.fromEntries(hooks.map((hook) => [hook, this.#compileHook(hook)]));
    return { store: this.#store, order: this.#order, roots, ruleIds: ids };
  }

  /** A base chain: both its end and RETURN reach the policy, which has a counter. */
  #compileHook(hook: HookName): Ref {
    const store = this.#store;
    const { policy } = this.#chains.get(hook)!;
    const counted = this.#input.options.counters === 'exact' ? [this.#input.ids.policyId(hook)] : [];
    const end = store.terminal(policy === 'DROP' ? Kind.DROP : Kind.ACCEPT, counted);
    const body = changeKind(store, this.#done.get(hook)!, Kind.RETURN, Kind.FALL);
    return this.#withoutAbsentInterface(hook, plug(store, Kind.FALL, body, end));
  }

  #withoutAbsentInterface(hook: HookName, root: Ref): Ref {
    if (HOOKS[hook] === HOOKS.FORWARD) return root;
    const first = this.#store.levelOf({ field: hook === 'INPUT' ? Field.OIF : Field.IIF, mask: 0xffff_ffff });
    return restrictToZero(this.#store, root, first, first + 3);
  }

  /** Rules from `low` to `high` (exclusive) as one diagram. */
  #joinRules(rules: readonly Rule[], low: number, high: number): Ref {
    if (low === high) return this.#store.terminal(Kind.FALL);
    if (high - low === 1) return this.#compileRule(rules[low]!);
    const middle = (low + high) >>> 1;
    return plug(this.#store, Kind.FALL, this.#joinRules(rules, low, middle), this.#joinRules(rules, middle, high));
  }

  #compileRule(rule: Rule): Ref {
    const store = this.#store;
    const native = this.#input.options.handling[this.#input.ids.id(rule.chain, rule.number)]!.kind === 'native';
    const predicate = rulePredicate({ store, family: this.#input.ruleset.family, backend: this.#input.ruleset.backend }, rule);
    const body = native ? this.#nativeBody(rule) : this.#body(rule);
    const dropped = store.terminal(Kind.DROP);
    const missed = store.terminal(Kind.FALL);
    // The kernel evaluates a native rule as a whole, so it drops by itself where the rule would.
    const ends = mapTerminals(store, native ? orHot(store, predicate) : predicate, ({ kind }) =>
      kind === Kind.HIT ? store.terminal(Kind.HIT) : kind === Kind.HOT ? dropped : missed);
    return plug(store, Kind.HIT, ends, body);
  }

  /** What a matching rule does, its own counter first. */
  #body(rule: Rule): Ref {
    const store = this.#store;
    const counted = this.#input.options.counters === 'exact' ? [this.#input.ids.id(rule.chain, rule.number)] : [];
    const { target } = rule;
    switch (target.kind) {
      case 'accept':
        return store.terminal(Kind.ACCEPT, counted);
      case 'drop':
        return store.terminal(Kind.DROP, counted);
      case 'return':
        return store.terminal(Kind.RETURN, counted);
      case 'none':
        return store.terminal(Kind.FALL, counted);
      case 'jump':
        return this.#call(target.chain, counted, Kind.FALL);
      case 'goto':
        return this.#call(target.chain, counted, Kind.RETURN);
      case 'native':
        throw new TypeError(`${rule.chain}#${rule.number} is native`);
    }
  }

  /** The called chain; `after` is how the caller goes on when the callee ends or returns. */
  #call(name: string, counted: readonly number[], after: number): Ref {
    const store = this.#store;
    const callee = this.#done.get(name)!;
    const ended = changeKind(store, changeKind(store, callee, Kind.RETURN, Kind.FALL), Kind.FALL, after);
    return plug(store, Kind.HIT, store.terminal(Kind.HIT, counted), ended);
  }

  /** Run by the kernel; the walk goes on as if it did not end there, except where it certainly does. */
  #nativeBody(rule: Rule): Ref {
    const id = this.#input.ids.id(rule.chain, rule.number);
    const certain = rule.target.kind === 'native' && rule.target.terminating && opaqueParts(rule).length === 0;
    const kind = certain ? Kind.DROP : rule.target.kind === 'goto' ? Kind.RETURN : Kind.FALL;
    return this.#store.terminal(kind, [], [id]);
  }

  /** The chains that `roots` reach, every chain after those it calls. @throws OperationError SL3006 for calls nested too deep */
  #calleesFirst(roots: readonly string[]): Chain[] {
    const ordered: Chain[] = [];
    const state = new Map<string, 'open' | 'done'>();
    const depths = new Map<string, number>();
    const stack = roots.map((name) => this.#chains.get(name)!);
    while (stack.length > 0) {
      const chain = stack.at(-1)!;
      if (state.get(chain.name) === undefined) {
        state.set(chain.name, 'open');
        stack.push(...this.#callees(chain, state));
      } else {
        stack.pop();
        if (state.get(chain.name) === 'done') continue;
        state.set(chain.name, 'done');
        depths.set(chain.name, this.#checkDepth(chain, depths));
        ordered.push(chain);
      }
    }
    return ordered;
  }

  /** How deep calls nest below a chain. */
  #checkDepth(chain: Chain, depths: ReadonlyMap<string, number>): number {
    let depth = 1;
    for (const { target } of chain.rules) if (target.kind === 'jump' || target.kind === 'goto') depth = Math.max(depth, 1 + (depths.get(target.chain) ?? 0));
    if (depth <= MAX_CALL_DEPTH) return depth;
    throw new OperationError(`chain ${chain.name} calls others more than ${MAX_CALL_DEPTH} deep`, { code: 'SL3006', reason: 'unsupported', hints: [`keep it in iptables: --keep-in-iptables ${chain.name}`] });
  }

  #callees(chain: Chain, state: ReadonlyMap<string, 'open' | 'done'>): Chain[] {
    const callees: Chain[] = [];
    for (const rule of chain.rules) {
      const { target } = rule;
      if ((target.kind !== 'jump' && target.kind !== 'goto') || this.#input.options.keptChains.has(target.chain)) continue;
      if (state.get(target.chain) === 'open')
        throw new ParseError(this.#input.ruleset.source, rule.line, 1, `chain ${target.chain} calls itself through ${chain.name}`, { code: 'SL1101' });
      if (state.get(target.chain) !== 'done') callees.push(this.#chains.get(target.chain)!);
    }
    return callees;
  }
}

/** Edges of the diagrams below `roots`, shared nodes once. */
export function countEdges(store: DiagramStore, roots: readonly Ref[]): number {
  let edges = 0;
  for (const node of reachableNodes(store, roots)) edges += store.width[node]!;
  return edges;
}

/** Every node below `roots` once, parents before children. */
export function reachableNodes(store: DiagramStore, roots: readonly Ref[]): number[] {
  const seen = new Set<number>(roots.filter((root) => root >= 0));
  const nodes = [...seen];
  for (let i = 0; i < nodes.length; i++) {
    const node = nodes[i]!;
    for (let edge = store.first[node]!; edge < store.first[node]! + store.width[node]!; edge++) {
      const child = store.children[edge]!;
      if (child < 0 || seen.has(child)) continue;
      seen.add(child);
      nodes.push(child);
    }
  }
  return nodes;
}
