import { ChangeCommand } from '../../../cli/command.ts';
import { argument, changeFlags, globalFlags } from '../../../cli/flags.ts';
import { deletePins } from '../../../domain/programs/index.ts';
import { unpinnedView } from '../../../views/pins.ts';

/** `sluice bpf pin delete PATH…` */
export default class BpfPinDelete extends ChangeCommand {
  static override summary = 'Remove pins, by path or whole folders';
  static override description =
    'What nothing else holds leaves the kernel with its pin; a link is detached by that. It cannot be undone. Asks first, with the name of the node, where a pin is not of sluice.';
  static override baseFlags = { ...globalFlags, 'dry-run': changeFlags['dry-run'] };
  static override strict = false;
  static override args = { path: argument({ description: 'pin, or folder of pins; several are allowed', required: true }) };
  static override examples = ['<%= config.bin %> bpf pin delete /sys/fs/bpf/sluice/programs/fw', '<%= config.bin %> bpf pin delete /sys/fs/bpf/old --dry-run=client'];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfPinDelete);
    const { items, dryRun } = await deletePins({ paths: argv.map(String), dryRun: this.dryRun(flags['dry-run']).dryRun !== undefined, ask: this.askFirst });
    await this.printTable({ items, complete: true, warnings: dryRun ? ['dry run: nothing was removed'] : [] }, unpinnedView);
  }
}
