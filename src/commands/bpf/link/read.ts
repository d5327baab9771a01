import { SluiceCommand } from '../../../cli/command.ts';
import { argument } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { readLink } from '../../../domain/programs/index.ts';
import { iteratorView } from '../../../views/attach.ts';

/** `sluice bpf link read REF` */
export default class BpfLinkRead extends SluiceCommand {
  static override summary = 'Run an iterator once, and print what it says';
  static override description = 'Links of type iter only. The pin of such a link can be read by any program as well, like a file.';
  static override strict = false;
  static override args = { link: argument({ description: '7, id 7, the name or tag of its program, or the path of a pin', required: true }) };
  static override examples = ['<%= config.bin %> bpf link read 7', '<%= config.bin %> bpf link read dump_tasks'];

  async run(): Promise<void> {
    const { argv } = await this.parse(BpfLinkRead);
    const pieces = readLink(readReference(argv));
    if (this.wantsText(undefined)) await this.printText(pieces);
    else await this.printCard({ link: argv.join(' '), text: [...pieces].join('') }, iteratorView);
  }
}
