import { SluiceCommand } from '../../cli/command.ts';
import { readStatus } from '../../domain/migrate/index.ts';
import { statusView } from '../../views/migrate.ts';

/** `sluice migrate status` */
export default class MigrateStatus extends SluiceCommand {
  static override summary = 'Show the migrated rules with live counters, and what the engine costs';
  static override examples = ['<%= config.bin %> migrate status', '<%= config.bin %> migrate status --netns lab1 -o json'];

  async run(): Promise<void> {
    await this.parse(MigrateStatus);
    await this.printCard(await readStatus(this.netns.netns), statusView);
  }
}
