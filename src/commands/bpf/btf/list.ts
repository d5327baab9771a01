import { SluiceCommand } from '../../../cli/command.ts';
import { watchFlags } from '../../../cli/flags.ts';
import { listBtf } from '../../../domain/btf/index.ts';
import { btfView } from '../../../views/btf.ts';

/** `sluice bpf btf list` */
export default class BpfBtfList extends SluiceCommand {
  static override summary = 'List the type information in the kernel: its own, that of modules, programs and maps';
  static override aliases = ['bpf:btf:ls'];
  static override flags = watchFlags;
  static override examples = ['<%= config.bin %> bpf btf list', '<%= config.bin %> bpf btf list -o json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(BpfBtfList);
    await this.printList(flags.watch, async () => [listBtf(), btfView]);
  }
}
