/** BPF objects as users name them: references, and what holds an object. */

export { findMap, findObject, findProgram } from './inspect.ts';
export { describeReference, readReference, type Reference, takeReference } from './reference.ts';
