import { SluiceCommand } from '../../../cli/command.ts';
import { argument } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { getLink } from '../../../domain/programs/index.ts';
import { linkCard } from '../../../views/attach.ts';

/** `sluice bpf link get REF` */
export default class BpfLinkGet extends SluiceCommand {
  static override summary = 'Show one BPF link: its program, where it stands, who holds it';
  static override aliases = ['bpf:link:show', 'bpf:link:describe'];
  static override strict = false;
  static override args = { link: argument({ description: '7, id 7, the name or tag of its program, or the path of a pin', required: true }) };
  static override examples = ['<%= config.bin %> bpf link get 7', '<%= config.bin %> bpf link get fw_drop -o json'];

  async run(): Promise<void> {
    const { argv } = await this.parse(BpfLinkGet);
    await this.printCard(getLink(readReference(argv)), linkCard);
  }
}
