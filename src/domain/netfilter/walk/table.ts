import type { Backend, Chain, Rule, Table } from '../model.ts';
import type { Surroundings } from './answer.ts';
import type { Effect, HookName, TargetContext, Verdict } from './effect.ts';
import { extend, PATH_LIMIT, STEP_LIMIT, TOO_LONG, TOO_MANY, type Assumption, type Progress, type Step } from './path.ts';
import { examineRule } from './rule.ts';
import { applyTarget, describeTarget } from './targets.ts';

/** A table of one ruleset, ready to be walked. */
export interface WalkTable {
  backend: Backend;
  name: string;
  chains: ReadonlyMap<string, Chain>;
}

/** How a path leaves a table at a hook. */
export type TableEnd = Progress & { end: Verdict | { undetermined: string }; mapped: boolean };

/** Indexes a table's chains by name. */
export function walkTable(backend: Backend, table: Table): WalkTable {
  return { backend, name: table.name, chains: new Map(table.chains.map((chain) => [chain.name, chain])) };
}

/** Where a path stands inside the table; `stack` holds the places to return to. */
interface Position {
  chain: Chain;
  index: number;
  stack: ReturnPlace | undefined;
}

interface ReturnPlace {
  chain: Chain;
  index: number;
  outer: ReturnPlace | undefined;
}

type Branch = Progress & Position;

/**
 * Walks a packet through one table at one hook and returns every way it can come out.
 *
 * There is more than one way where a rule could not be decided or a `statistic` match draws lots. Rules that only
 * count or log when they match do not split the path: their step is marked as assumed.
 */
export function runTable(
  table: WalkTable, hook: HookName, start: Progress, surroundings: Surroundings, context: TargetContext,
): TableEnd[] {
  const base = table.chains.get(hook);
  if (base === undefined) return [{ ...start, end: 'accept', mapped: false }];
  const walker = { table, base, surroundings, context };
  const ends: TableEnd[] = [];
  const open: Branch[] = [{ ...start, chain: base, index: 0, stack: undefined }];
  while (open.length > 0) {
    if (ends.length + open.length > PATH_LIMIT) return [{ ...open.pop()!, end: TOO_MANY, mapped: false }];
    const branch = open.pop()!;
    const { branches, end } = (branch.steps?.length ?? 0) > STEP_LIMIT ? giveUp(branch) : advance(branch, walker);
    open.push(...branches);
    if (end !== undefined) ends.push(end);
  }
  return ends;
}

interface Walker {
  table: WalkTable;
  base: Chain;
  surroundings: Surroundings;
  context: TargetContext;
}

interface Advance {
  /** Paths that go on, the one to follow first last. */
  branches: Branch[];
  end?: TableEnd;
}

const giveUp = (branch: Branch): Advance => ({ branches: [], end: { ...branch, steps: undefined, end: TOO_LONG, mapped: false } });

/** Judges the rule at the branch's position. */
function advance(branch: Branch, walker: Walker): Advance {
  const rule = branch.chain.rules[branch.index];
  if (rule === undefined) return leaveChain(branch, walker);
  const next = { ...branch, index: branch.index + 1 };
  const { answer, chance, unknown } = examineRule(rule, branch.packet, walker.surroundings);
  if (answer === false) return { branches: [next] };
  if (answer === true) return follow(next, rule, walker, false);
  if (answer === 'hotdrop') return hotdrop(branch, rule, walker);
  if (answer === 'chance') {
    const matched = follow({ ...next, probability: branch.probability * chance }, rule, walker, false);
    return { ...matched, branches: [{ ...next, probability: branch.probability * (1 - chance) }, ...matched.branches] };
  }
  return suppose(next, rule, walker, unknown);
}

function hotdrop(branch: Branch, rule: Rule, { table }: Walker): Advance {
  const last: Step = { ...ruleStep(table, rule, 'DROP (incomplete header)', false), kind: 'hotdrop' };
  return { branches: [], end: { ...branch, steps: extend(branch.steps, last), end: 'drop', mapped: false } };
}

/** Follows both answers of a rule that could not be decided, "does not match" first. */
function suppose(next: Branch, rule: Rule, walker: Walker, unknown: readonly string[]): Advance {
  if (!matters(rule, next, walker)) return follow(next, rule, walker, true);
  const assume = (matches: boolean): Branch => {
    const last: Assumption = { backend: walker.table.backend, table: walker.table.name, rule, unknown, matches };
    return { ...next, assumptions: extend(next.assumptions, last) };
  };
  const matched = follow(assume(true), rule, walker, true);
  return { ...matched, branches: [...matched.branches, assume(false)] };
}

/** Whether anything later depends on the rule having matched. */
function matters(rule: Rule, { packet }: Branch, { context }: Walker): boolean {
  if (rule.target.kind === 'none') return false;
  if (rule.target.kind !== 'native') return true;
  const effect = applyTarget(rule.target, packet, context);
  return effect.kind !== 'continue' || effect.packet !== packet;
}

/** Does what the rule's target says; `next` stands behind the rule. */
function follow(next: Branch, rule: Rule, walker: Walker, assumed: boolean): Advance {
  const { target } = rule;
  const record = (action: string): Branch => ({ ...next, steps: extend(next.steps, ruleStep(walker.table, rule, action, assumed)) });
  const finish = (action: string, end: Verdict): Advance => ({ branches: [], end: { ...record(action), end, mapped: false } });
  switch (target.kind) {
    case 'none': return { branches: [record('count')] };
    case 'accept': return finish('ACCEPT', 'accept');
    case 'drop': return finish('DROP', 'drop');
    case 'return': return leaveChain(record('RETURN'), walker);
    case 'jump': return { branches: [enter(record(`jump ${target.chain}`), target.chain, walker, true)] };
    case 'goto': return { branches: [enter(record(`goto ${target.chain}`), target.chain, walker, false)] };
    case 'native': return applyEffect(record(describeTarget(target)), applyTarget(target, next.packet, walker.context));
  }
}

function applyEffect(branch: Branch, effect: Effect): Advance {
  if (effect.kind === 'continue') return { branches: [{ ...branch, packet: effect.packet }] };
  if (effect.kind === 'undetermined') return { branches: [], end: { ...branch, end: { undetermined: effect.why }, mapped: false } };
  return { branches: [], end: { ...branch, packet: effect.packet, end: effect.verdict, mapped: effect.mapped === true } };
}

/** A goto leaves no place to return to: the end of its chain goes where the chain with the goto would have gone. */
function enter(branch: Branch, name: string, { table }: Walker, comeBack: boolean): Branch {
  const { chain, index, stack } = branch;
  const target = table.chains.get(name) ?? { name, line: 0, rules: [] };
  return { ...branch, chain: target, index: 0, stack: comeBack ? { chain, index, outer: stack } : stack };
}

/** RETURN and the end of a chain: back behind the jump, or the policy of the base chain. */
function leaveChain(branch: Branch, { table, base }: Walker): Advance {
  const { stack } = branch;
  if (stack !== undefined) return { branches: [{ ...branch, chain: stack.chain, index: stack.index, stack: stack.outer }] };
  const policy = base.policy ?? 'ACCEPT';
  const last: Step = {
    kind: 'policy', backend: table.backend, table: table.name, chain: base.name, action: `policy ${policy}`, assumed: false,
    ...(base.rules.length === 0 && policy === 'ACCEPT' ? { idle: true } : {}),
  };
  const end = policy === 'QUEUE' ? { undetermined: 'the chain policy QUEUE hands the packet to a program' } : policy === 'DROP' ? 'drop' : 'accept';
  return { branches: [], end: { ...branch, steps: extend(branch.steps, last), end, mapped: false } };
}

function ruleStep(table: WalkTable, rule: Rule, action: string, assumed: boolean): Step {
  return { kind: 'rule', backend: table.backend, table: table.name, chain: rule.chain, number: rule.number, rule, action, assumed };
}
