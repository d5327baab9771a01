/** C to BPF objects, and what to do when the compiler complains. */

export { type Compilation, type CompileRequest, compile } from './apply.ts';
