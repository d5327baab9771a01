import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../../cli/command.ts';
import { argument, BPF_REFERENCE } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { measurePrograms } from '../../../domain/programs/index.ts';
import { parseDuration } from '../../../lib/duration.ts';
import { statisticsView } from '../../../views/program.ts';

/** `sluice bpf prog stats [REF] [--for 5s]` */
export default class BpfProgStats extends SluiceCommand {
  static override summary = 'Count how often programs run and how long, for some seconds';
  static override description =
    'Switches the statistics of the kernel on for that time and leaves them as they were, also when it is interrupted. Without a reference all programs that ' +
    'ran are listed, the one with the most CPU time first. CPU% is of one CPU. MISSED counts runs that were left out because the program was at work on ' +
    'that CPU already.';
  static override strict = false;
  static override args = { program: argument({ description: `${BPF_REFERENCE}; all programs without it` }) };
  static override flags = { for: Flags.string({ default: '5s', helpValue: 'DURATION', summary: 'How long to count' }) };
  static override examples = [
    '<%= config.bin %> bpf prog stats',
    '<%= config.bin %> bpf prog stats fw_drop --for 30s',
    '<%= config.bin %> bpf prog stats --for 1s -o json',
  ];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfProgStats);
    this.progress.step(`counting runs for ${flags.for}`);
    const items = await measurePrograms(argv.length === 0 ? undefined : readReference(argv), parseDuration(flags.for));
    await this.printTable({ items, complete: true, warnings: [] }, statisticsView);
  }
}
