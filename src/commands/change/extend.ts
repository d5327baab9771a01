import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { extendChange } from '../../domain/changes/index.ts';
import { parseDuration } from '../../lib/duration.ts';
import { changeCard } from '../../views/change.ts';

export default class ChangeExtend extends SluiceCommand {
  static override summary = 'Give a change that waits more time before it is reverted';
  static override description = 'The time counts from now. A deadline that is later already stays. A timer that was ended is started again.';
  static override args = { id: argument({ description: 'id of the change; the only one that waits when absent' }) };
  static override flags = { 'confirm-within': Flags.string({ default: '2m', helpValue: 'DURATION', summary: 'Time from now' }) };
  static override examples = ['<%= config.bin %> change extend c-7f3a', '<%= config.bin %> change extend c-7f3a --confirm-within 10m'];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(ChangeExtend);
    await this.printCard(await extendChange(args['id'], parseDuration(flags['confirm-within'])), changeCard);
  }
}
