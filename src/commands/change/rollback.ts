import { ChangeCommand } from '../../cli/command.ts';
import { argument, changeFlags, globalFlags } from '../../cli/flags.ts';
import { rollbackChange } from '../../domain/changes/index.ts';
import { changeCard, rollbackDryRunCard } from '../../views/change.ts';

export default class ChangeRollback extends ChangeCommand {
  static override summary = 'Undo a change at once';
  static override description =
    'Runs the revert script of the change, which can also be run by hand. A confirmed change can be rolled back as long as ' +
    'no later change of its kind is in force in the same network namespace. Ends with 8 when a step failed.';
  static override baseFlags = { ...globalFlags, 'dry-run': changeFlags['dry-run'] };
  static override args = { id: argument({ description: 'id of the change; the only one that waits when absent' }) };
  static override examples = ['<%= config.bin %> change rollback c-7f3a', '<%= config.bin %> change rollback c-7f3a --dry-run=kernel'];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ChangeRollback);
    const dryRun = this.dryRun(flags['dry-run']);
    await this.printCard(await rollbackChange(args['id'], dryRun), dryRun.dryRun === undefined ? changeCard : rollbackDryRunCard);
  }
}
