/** BPF objects as users name them: references, and what holds an object. */

export { type Attachment, type AttachedNamespace, compareAttachments, describeAttachment } from './attachments/attachment.ts';
export { functionOfLink } from './attachments/functions/inspect.ts';
export { linkFolder } from './attachments/link-pin.ts';
export { listAttachments } from './attachments/inspect.ts';
export { findMap, findObject, findProgram, openBtf } from './inspect.ts';
export { type Container, heldKey, type HeldKind, type HolderProcess, type Holders, type Ownership, ownershipOf } from './holders/holder.ts';
export { type KnownObjects, readAll, readHolders } from './holders/inspect.ts';
export { findHook, type Hook, type HookKind, hookOfAttachType, hookOfSection, HOOKS } from './hooks.ts';
export { nameObjects, type NamedKind, type ObjectName } from './names/inspect.ts';
export { listPins, type Pin } from './pins/inspect.ts';
export { describeReference, readReference, type Reference, takeReference } from './reference.ts';
