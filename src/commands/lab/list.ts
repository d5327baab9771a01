import { SluiceCommand } from '../../cli/command.ts';
import { watchFlags } from '../../cli/flags.ts';
import { listLabs } from '../../domain/lab/index.ts';
import { labsView } from '../../views/lab.ts';

/** `sluice lab list` */
export default class LabList extends SluiceCommand {
  static override summary = 'List labs, and what a crash left of one';
  static override aliases = ['lab:ls'];
  static override flags = watchFlags;
  static override examples = ['<%= config.bin %> lab list'];

  async run(): Promise<void> {
    const { flags } = await this.parse(LabList);
    await this.printList(flags.watch, async () => [await listLabs(), labsView]);
  }
}
