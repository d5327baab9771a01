import { SluiceCommand } from '../../../cli/command.ts';
import { argument, BPF_REFERENCE } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { getProgram } from '../../../domain/programs/index.ts';
import { programCard } from '../../../views/program.ts';

/** `sluice bpf prog get REF` */
export default class BpfProgGet extends SluiceCommand {
  static override summary = 'Show one BPF program: what it is, where it stands, who holds it, which maps it uses';
  static override aliases = ['bpf:prog:show', 'bpf:prog:describe'];
  static override strict = false;
  static override args = { program: argument({ description: BPF_REFERENCE, required: true }) };
  static override examples = [
    '<%= config.bin %> bpf prog get 412',
    '<%= config.bin %> bpf prog get id 412',
    '<%= config.bin %> bpf prog get /sys/fs/bpf/sluice/fw_drop -o json',
  ];

  async run(): Promise<void> {
    const { argv } = await this.parse(BpfProgGet);
    const program = getProgram(readReference(argv));
    await this.printCard(program, programCard, { complete: program.warnings.length === 0, warnings: program.warnings });
  }
}
