/** `enum perf_type_id` and the counters of each, as perf(1) calls them. */
const COUNTERS: Readonly<Record<number, readonly string[]>> = {
  0: ['cpu-cycles', 'instructions', 'cache-references', 'cache-misses', 'branch-instructions', 'branch-misses'],
  1: ['cpu-clock', 'task-clock', 'page-faults', 'context-switches', 'cpu-migrations'],
};
/** From here on types are given out at boot: the kernel counts the two clocks under such ones. */
const FIRST_DYNAMIC_TYPE = 6;

/** A perf event as users write it; `type N config N` for one that has no name here. */
export function counterName(type: number, config: bigint): string {
  const known = COUNTERS[type] ?? (type >= FIRST_DYNAMIC_TYPE ? COUNTERS[1]!.slice(0, 2) : []);
  return known[Number(config)] ?? `type ${type} config ${config}`;
}
