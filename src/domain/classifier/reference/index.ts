/** The rules as a diagram by another way than the compiler's, and the comparison with what is in the kernel. */

export { buildReference, evaluateReference, type ReferenceNode } from './build.ts';
export { compareWithReference, type Comparison, sameOutcome } from './compare.ts';
export { flatten } from './flatten.ts';
