import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { removeAllLabs, removeLab } from '../../domain/lab/index.ts';

/** `sluice lab down [NAME]` */
export default class LabDown extends SluiceCommand {
  static override summary = 'Take a lab away: processes, programs, namespaces; also what a crash left';
  static override args = { name: argument({ description: 'name of the lab (default lab)' }) };
  static override flags = { all: Flags.boolean({ summary: 'Every lab' }) };
  static override examples = ['<%= config.bin %> lab down', '<%= config.bin %> lab down --all'];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LabDown);
    await (flags.all ? removeAllLabs() : removeLab(args['name'] ?? 'lab'));
  }
}
