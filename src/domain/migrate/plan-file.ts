/**
 * The plan file: YAML that a person can read and a machine can check.
 *
 * It holds the rulesets as text, what was decided about them, and the digest of the image they compile to. The diagram is
 * not stored: applying compiles again and compares digests. A checksum over the content refuses edited files.
 */

import { createHash } from 'node:crypto';
import { OperationError, ParseError } from '../../lib/errors.ts';
import { parseSave, printSave, type Backend, type Family, type Ruleset } from '../netfilter/index.ts';
import type { CounterMode } from '../classifier/index.ts';
import { filterTable } from '../classifier/index.ts';
import { describeRules, planFamily, type FamilyPlan, type RuleResult } from './plan.ts';

export const PLAN_VERSION = 1;

/** Which node a plan was made on; absent for a plan made from a file. */
export interface PlanNode {
  hostname: string;
  machineId: string;
  /** `''` for the namespace sluice runs in. */
  netns: string;
}

export interface PlanFile {
  apiVersion: 'sluice.dev/v1';
  kind: 'MigrationPlan';
  version: number;
  created: string;
  node?: PlanNode;
  target: 'ebpf';
  counters: CounterMode;
  keepInIptables: string[];
  families: PlanFileFamily[];
  /** SHA-256 of everything above, as JSON. */
  checksum: string;
}

interface PlanFileFamily {
  family: Family;
  backend: Backend;
  rules: number;
  results: Record<string, number>;
  /** Every rule that is not simply exact, one line each. */
  notes: string[];
  hooks: { hook: string; mode: string; edges: number; verdictEdges: number }[];
  imageDigest: string;
  imageBytes: number;
  /** The filter table as it was, without counters. */
  ruleset: string;
}

/** The plan as an object to write out. */
export function describePlan(families: readonly FamilyPlan[], options: { counters: CounterMode; keep: readonly string[]; node?: PlanNode; created: Date }): PlanFile {
  const content: Omit<PlanFile, 'checksum'> = {
    apiVersion: 'sluice.dev/v1',
    kind: 'MigrationPlan',
    version: PLAN_VERSION,
    created: options.created.toISOString(),
    ...(options.node === undefined ? {} : { node: options.node }),
    target: 'ebpf',
    counters: options.counters,
    keepInIptables: [...options.keep],
    families: families.map(describeFamily),
  };
  return { ...content, checksum: checksum(content) };
}

/** Counts of rules by result, `never matches` apart. */
export function countResults(rules: readonly RuleResult[]): Record<string, number> {
  const counts: Record<string, number> = {};
  for (const rule of rules) counts[rule.result] = (counts[rule.result] ?? 0) + 1;
  const never = rules.filter((rule) => rule.neverMatches).length;
  return never === 0 ? counts : { ...counts, neverMatches: never };
}

/** The filter table alone, without counters: what two equal rulesets share. */
export function filterText(ruleset: Ruleset): string {
  const table = filterTable(ruleset);
  if (table === undefined) return '';
  return printSave({ ...ruleset, tables: [table], layout: [{ table: 0 }], finalNewline: true }, { counters: false });
}

/**
 * Checks a parsed plan file and compiles it again.
 *
 * @throws ParseError SL3010 when it is no plan, was edited, or has another version.
 * @throws OperationError SL3011 when this build compiles the rules to another image than the plan says.
 */
export function restorePlan(content: unknown, source: string): { file: PlanFile; families: FamilyPlan[] } {
  const file = checkPlanFile(content, source);
  const families = file.families.map((entry) => {
    const ruleset = parseSave(entry.ruleset, { family: entry.family, backend: entry.backend, source });
    const plan = planFamily(ruleset, { counters: file.counters, keep: file.keepInIptables });
    if (plan.image.digest !== entry.imageDigest)
      throw new OperationError(`${source}: this version of sluice compiles the ${entry.family} rules to another image`, {
        code: 'SL3011',
        hints: ['make the plan again: sluice migrate plan'],
      });
    return plan;
  });
  return { file, families };
}

function checkPlanFile(content: unknown, source: string): PlanFile {
  const refuse = (what: string): never => {
    throw new ParseError(source, 1, 1, what, { code: 'SL3010', hints: ['make the plan again: sluice migrate plan'] });
  };
  if (typeof content !== 'object' || content === null) return refuse('not a migration plan');
  const file = content as PlanFile;
  if (file.kind !== 'MigrationPlan' || !Array.isArray(file.families)) return refuse('not a migration plan');
  if (file.version !== PLAN_VERSION) return refuse(`plan version ${String(file.version)}; this sluice reads version ${PLAN_VERSION}`);
  const { checksum: written, ...rest } = file;
  if (checksum(rest) !== written) return refuse('the plan was edited after it was made');
  return file;
}

const checksum = (content: object): string => createHash('sha256').update(JSON.stringify(content)).digest('hex');

function describeFamily(plan: FamilyPlan): PlanFileFamily {
  const rules = describeRules(plan.ruleset, plan.handling, plan.hooks);
  return {
    family: plan.family,
    backend: plan.backend,
    rules: rules.length,
    results: countResults(rules),
    notes: rules.flatMap(noteOf),
    hooks: plan.hooks.map(({ hook, mode, edges, verdictEdges }) => ({ hook, mode, edges, verdictEdges })),
    imageDigest: plan.image.digest,
    imageBytes: plan.image.bytes.length,
    ruleset: filterText(plan.ruleset),
  };
}

function noteOf(rule: RuleResult): string[] {
  const place = `${rule.chain}#${rule.number} ${rule.text}`;
  if (rule.neverMatches) return [`never matches: ${place}`];
  return rule.result === 'exact' ? [] : [`${rule.result}: ${place}${rule.reason === undefined ? '' : ` (${rule.reason})`}`];
}
