/** Programs that sluice runs: text and an exit code, no meaning. */

export { type DetachedOptions, need, onCommand, run, type RunOptions, type RunResult, spawnDetached, which } from './run.ts';
export { getRoute, showAddresses, showLocalTable } from './ip-route.ts';
