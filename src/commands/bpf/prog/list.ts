import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../../cli/command.ts';
import { watchFlags } from '../../../cli/flags.ts';
import { programReader } from '../../../domain/programs/index.ts';
import { programsView } from '../../../views/program.ts';

/** `sluice bpf prog list` */
export default class BpfProgList extends SluiceCommand {
  static override summary = 'List BPF programs: where they stand, whose they are, how often they run';
  static override description =
    'RUNS/S and AVG (the mean time of a run) are there while the kernel counts runs, which costs some nanoseconds a run: switch it on with ' +
    '`sluice bpf prog stats`, or for good with kernel.bpf_stats_enabled. OWNER is who holds the program by a descriptor or pin, or who pinned its maps; gone means that it is attached and nobody holds it. ' +
    'RUNS and TIME (nanoseconds), with -o wide and for --sort-by, are what was counted since the program was loaded. ' +
    'Names are cut at 15 characters by the kernel; -o wide and -o json have the whole, from type information.';
  static override aliases = ['bpf:prog:ls'];
  static override flags = {
    ...watchFlags,
    type: Flags.string({ multiple: true, delimiter: ',', helpValue: 'TYPE,…', summary: 'Only these types (xdp, sched_cls, tracing …)' }),
    owner: Flags.string({ helpValue: 'NAME|PID', summary: 'Only what this owner, process or container holds' }),
    attached: Flags.boolean({ exclusive: ['orphan'], summary: 'Only programs that are attached' }),
    orphan: Flags.boolean({ summary: 'Only programs that no process and no pin holds' }),
  };
  static override examples = [
    '<%= config.bin %> bpf prog list',
    '<%= config.bin %> bpf prog list --type xdp,sched_cls --sort-by time',
    '<%= config.bin %> bpf prog list --orphan -o wide',
    '<%= config.bin %> bpf prog list -w',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(BpfProgList);
    const { type: types, owner, attached, orphan } = flags;
    const read = programReader({ types, owner, attached, orphan });
    await this.printList(flags.watch, async () => [await read(), programsView]);
  }
}
