import { readFileSync } from 'node:fs';

let count: number | undefined;

/** CPUs that may ever run: per-CPU maps have a value for each, though fewer may be online. @kernel num_possible_cpus */
export function possibleCpus(): number {
  count ??= Number(/(\d+)\s*$/.exec(readFileSync('/sys/devices/system/cpu/possible', 'latin1'))![1]) + 1;
  return count;
}
