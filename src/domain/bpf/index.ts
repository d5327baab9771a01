/** BPF objects as users name them: references, and what holds an object. */

export { findMap, findObject, findProgram } from './inspect.ts';
export { type Container, heldKey, type HeldKind, type HolderProcess, type Holders, type Ownership, ownershipOf } from './holders/holder.ts';
export { type KnownObjects, readAll, readHolders } from './holders/inspect.ts';
export { listPins, type Pin } from './pins/inspect.ts';
export { describeReference, readReference, type Reference, takeReference } from './reference.ts';
