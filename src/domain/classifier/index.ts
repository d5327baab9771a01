/** Rules to decision diagrams to the image the engine in `bpf/` walks, and back for the proof. */

export { Kind } from './combine.ts';
export { compileRuleset, countEdges, type Compiled, type CompileOptions, type CounterMode, DEFAULT_MAX_EDGES } from './compile.ts';
export { DecodedImage, type ImageNode } from './decode.ts';
export { type Action, encodeImage, type Image, IMAGE_SLACK, outcomeOf } from './encode.ts';
export { addressWords, Field, FIELD_COUNT, FIELD_ORDERS, fieldMaximum, L4, StateBase, type Variable } from './fields.ts';
export { classifyRules, filterTable, migratedHooks, opaqueParts, reach } from './handling.ts';
export { HOOKS, type HookName, numberRules, type Outcome, type RuleHandling, type RuleIds } from './outcome.ts';
export { maskedVariables } from './predicate.ts';
export { BudgetExceeded, orderVariables } from './store.ts';
export { summarize, type HookSummary } from './summary.ts';
