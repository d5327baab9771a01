import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { confirmChange } from '../../domain/changes/index.ts';
import { changeCard } from '../../views/change.ts';

export default class ChangeConfirm extends SluiceCommand {
  static override summary = 'Keep a change that waits for a confirmation';
  static override description =
    'Works from any session. Best done from a new connection: that one exists proves that the node can still be reached. ' +
    'Ends with 7 when the change was reverted already.';
  static override args = { id: argument({ description: 'id of the change; the only one that waits when absent' }) };
  static override examples = ['<%= config.bin %> change confirm c-7f3a', '<%= config.bin %> change confirm'];

  async run(): Promise<void> {
    const { args } = await this.parse(ChangeConfirm);
    await this.printCard(await confirmChange(args['id']), changeCard);
  }
}
