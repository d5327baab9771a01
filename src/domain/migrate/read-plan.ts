import { readFileSync } from 'node:fs';
import { parse, stringify } from 'yaml';
import { OperationError } from '../../lib/errors.ts';
import { restorePlan, type PlanFile } from './plan-file.ts';
import type { FamilyPlan } from './plan.ts';

/**
 * Reads a plan file and compiles it again.
 *
 * @throws OperationError SL1102 when it cannot be read; ParseError SL3010 when it is no plan or was edited.
 */
export function readPlanFile(path: string): { file: PlanFile; families: FamilyPlan[] } {
  let content: unknown;
  try {
    content = parse(readFileSync(path, 'utf8'), { maxAliasCount: 0 });
  } catch (error) {
    throw new OperationError(`cannot read the plan ${path}`, { code: 'SL1102', reason: 'usage', causes: [(error as Error).message.split('\n')[0]!], cause: error });
  }
  return restorePlan(content, path);
}

/** The plan as YAML, rulesets as readable blocks. */
export const writePlan = (file: PlanFile): string => stringify(file, { lineWidth: 0, blockQuote: 'literal' });
