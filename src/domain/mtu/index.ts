/** MTU: what encapsulations cost, and what a path really carries. */

export { CIPHERS, type CipherName } from './cipher.ts';
export { ENCAPSULATIONS } from './encapsulation.ts';
export type { Family, Header } from './header.ts';
export { type ExactOverhead, listOverheads, type OverheadReport, type QuickOverhead } from './overhead.ts';
export { calculateStack, type StackLayer, type StackReport, type StackRequest } from './stack.ts';
export { echoRequest, leastProbe, type ProbeMark, readAnswer } from './path/icmp.ts';
export { measurePath, type PathMeasurement, type PathRequest } from './path/inspect.ts';
export type { Narrowing } from './path/search.ts';
export { checkMtu, type MtuCheckRequest } from './check/inspect.ts';
export type { CheckedLink, CheckedPath, MtuFinding, MtuReport } from './check/model.ts';
