import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { serve } from '../../domain/lab/index.ts';

/** `sluice lab serve NAME`: what runs in a pod. */
export default class LabServe extends SluiceCommand {
  static override summary = "Run a pod's servers; started by lab up";
  static override hidden = true;
  static override args = { name: argument({ description: 'name that the servers announce', required: true }) };
  static override examples = ['<%= config.bin %> lab serve pod1-1'];

  async run(): Promise<void> {
    const { args } = await this.parse(LabServe);
    await serve(args['name']!);
  }
}
