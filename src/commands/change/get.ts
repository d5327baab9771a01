import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { getChange } from '../../domain/changes/index.ts';
import { changeDetailCard } from '../../views/change.ts';

export default class ChangeGet extends SluiceCommand {
  static override summary = 'Show one change: its state, what it did, how it is reverted, the log of the revert';
  static override aliases = ['change:show', 'change:describe'];
  static override args = { id: argument({ description: 'id of the change, such as c-7f3a', required: true }) };
  static override examples = ['<%= config.bin %> change get c-7f3a', "<%= config.bin %> change get c-7f3a -o jsonpath='{.revertScript}'"];

  async run(): Promise<void> {
    const { args } = await this.parse(ChangeGet);
    await this.printCard(await getChange(args['id']!), changeDetailCard);
  }
}
