/** Programs that sluice runs: text and an exit code, no meaning. */

export { type ClangRequest, clangVersion, needClang, runClang } from './clang.ts';
export { getRoute, showAddresses, showLocalTable } from './ip-route.ts';
export { deleteNamespace, ipBatch, linkNumbers, listNamespaces, setParameters } from './ip.ts';
export { type DetachedOptions, onCommand, reportCommand, run, type RunOptions, type RunResult, spawnDetached } from './run.ts';
export { runOverSsh } from './ssh.ts';
export { need, which } from './which.ts';
