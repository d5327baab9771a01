/** The ruleset model: iptables-save text to rules and back, what is live, kube-proxy's services, a packet's walk. */

export type * from './model.ts';
export { holdsRules, readDump, readRulesets, type DumpOptions, type ReadOptions, type Rulesets } from './inspect.ts';
export { expandRule } from './save/expand.ts';
export { parseSave, type ParseOptions } from './save/parse.ts';
export { printRule, printSave, printSaveBytes, type PrintOptions } from './save/print.ts';
export { targetName } from './save/target.ts';
export * from './kube/index.ts';
export * from './walk/index.ts';
export { describePlace, listRows, type RowFilter, type RuleDetail, type RuleRow } from './listing/rows.ts';
export { exportRules, type ExportedRules, getRule, listRules, type ListRequest } from './list.ts';
