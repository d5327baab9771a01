/** Changes: every mutation of the node with its snapshot, its revert script and its dead-man timer. */

export { beginChange, type OpenChange } from './begin.ts';
export { confirmChange, extendChange, rollbackChange } from './end.ts';
export { getChange, listChanges } from './inspect.ts';
export { confirmWindow, DEFAULT_CONFIRM_WINDOW_MS, type SessionFacts } from './policy.ts';
export { isInForce, isUnfinished } from './model.ts';
export type {
  Actor,
  AppliedRecord,
  Argv,
  Change,
  ChangeDetail,
  ChangeRecord,
  ChangeRequest,
  ChangeState,
  CommandStep,
  DiffLine,
  Namespace,
  ProcessIdentity,
  RemoveStep,
  RevertStep,
} from './model.ts';
