import { SluiceCommand } from '../../cli/command.ts';
import { watchFlags } from '../../cli/flags.ts';
import { listChanges } from '../../domain/changes/index.ts';
import { changesView } from '../../views/change.ts';

export default class ChangeList extends SluiceCommand {
  static override summary = 'List changes: what waits for a confirmation, and what was done before';
  static override description =
    'Every mutation of the node is a change with a snapshot and a script that undoes it. The newest comes first. ' +
    'STATE interrupted means that the process died while it applied the change.';
  static override aliases = ['change:ls'];
  static override flags = watchFlags;
  static override examples = ['<%= config.bin %> change list', '<%= config.bin %> change list -w', '<%= config.bin %> change list -o json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(ChangeList);
    await this.printList(flags.watch, async () => [await listChanges(this.netns), changesView]);
  }
}
