/** Listing programs beside bpftool, with many of them loaded; the number is the argument. A list that lacks one ends the run with an error. */

import { execFileSync } from 'node:child_process';
import { BpfProgram } from '../../../src/kernel/bpf/index.ts';
import { bpf as uapi } from '../../../src/kernel/uapi/index.ts';
import { sluiceCommand, sluiceEnvironment } from '../../support/sluice.ts';
import { timeCommands, timingTable } from '../timing.ts';
import type { Bench } from '../topic.ts';

const PROGRAMS = 500;
const TURNS = 9;
/** `r0 = 0; exit` */
const NOTHING = Buffer.from('b7000000000000009500000000000000', 'hex');

export const bench: Bench = async ({ say, args, full }) => {
  const results: Record<string, unknown> = {};
  for (const count of args.length > 0 ? args.map(Number) : full ? [PROGRAMS, 5000] : [PROGRAMS]) {
    const programs = Array.from({ length: count }, (_, i) => BpfProgram.load({
      name: `bench_${i}`, type: uapi.BPF_PROG_TYPE_SOCKET_FILTER, expectedAttachType: 0, instructions: NOTHING, license: 'GPL',
    }));
    try {
      checkList(programs);
      say(`\n${count.toLocaleString('en-US')} programs\n`);
      const timings = await timeCommands([
        { name: 'bpftool prog list -j', argv: ['bpftool', '-j', 'prog', 'list'] },
        { name: 'sluice bpf prog list -o json', argv: sluiceCommand(['bpf', 'prog', 'list', '-o', 'json']) },
        { name: 'bpftool prog list', argv: ['bpftool', 'prog', 'list'] },
        { name: 'sluice bpf prog list', argv: sluiceCommand(['bpf', 'prog', 'list']) },
        { name: 'sluice __complete bpf prog get', argv: sluiceCommand(['__complete', 'bpf', 'prog', 'get', '']) },
        { name: 'node -e 0', argv: [process.execPath, '-e', '0'] },
      ], TURNS);
      say(timingTable(timings));
      results[count] = timings;
    } finally {
      programs.forEach((program) => program.close());
    }
  }
  return results;
};

function checkList(programs: readonly BpfProgram[]): void {
  const text = execFileSync(sluiceCommand(['bpf'])[0]!, ['bpf', 'prog', 'list', '-o', 'json'], { env: sluiceEnvironment(), encoding: 'utf8', maxBuffer: 1 << 30 });
  const ids = new Set((JSON.parse(text) as { items: { id: number }[] }).items.map(({ id }) => id));
  const missing = programs.filter((program) => !ids.has(program.info().id));
  if (missing.length > 0) throw new Error(`${missing.length} programs are not listed`);
}
