import { ChangeCommand } from '../../../cli/command.ts';
import { argument, changeFlags, globalFlags } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { detachOneLink } from '../../../domain/programs/index.ts';
import { detachedView } from '../../../views/attach.ts';

/** `sluice bpf link detach REF` */
export default class BpfLinkDetach extends ChangeCommand {
  static override summary = 'Take one link off its hook and remove its pins';
  static override description = 'Asks first, with the name of the node, where the link is not of sluice.';
  static override baseFlags = { ...globalFlags, 'dry-run': changeFlags['dry-run'] };
  static override strict = false;
  static override args = { link: argument({ description: '7, id 7, the name or tag of its program, or the path of a pin', required: true }) };
  static override examples = ['<%= config.bin %> bpf link detach 7', '<%= config.bin %> bpf link detach /sys/fs/bpf/sluice/links/1/fw_drop-xdp-eth0'];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfLinkDetach);
    const detached = await detachOneLink({ reference: readReference(argv), dryRun: this.dryRun(flags['dry-run']).dryRun !== undefined, ask: this.askFirst });
    await this.printCard(detached, detachedView);
  }
}
