import { SluiceCommand } from '../../cli/command.ts';
import { listLabs } from '../../domain/lab/index.ts';
import { labsView } from '../../views/lab.ts';

/** `sluice lab list` */
export default class LabList extends SluiceCommand {
  static override summary = 'List labs, and what a crash left of one';
  static override aliases = ['lab:ls'];
  static override examples = ['<%= config.bin %> lab list'];

  async run(): Promise<void> {
    await this.parse(LabList);
    await this.printTable(await listLabs(), labsView);
  }
}
