/** Moving the filter table to eBPF: plan, proof, switch, status. */

export { applyPlan, type ApplyRequest } from './apply.ts';
export { readStatus } from './inspect.ts';
export { makePlan, type PlanRequest } from './make-plan.ts';
export type { RuleResult } from './plan.ts';
export { verifyPlan, type VerifyRequest } from './verify/apply.ts';
export type { MigrationApplied, MigrationStatus, PlanReport, StatusRule, VerifyReport } from './report.ts';
