import { ChangeCommand } from '../../../cli/command.ts';
import { argument, fdbFlags } from '../../../cli/flags.ts';
import { deleteEntry } from '../../../domain/vxlan/index.ts';
import { overlayCard } from '../../../views/vxlan.ts';

/** `sluice vxlan fdb delete DEVICE MAC` */
export default class FdbDelete extends ChangeCommand {
  static override summary = 'Remove a forwarding entry: one remote end with --dst, else all of the address';
  static override aliases = ['fdb:delete'];
  static override args = { interface: argument({ description: 'name of a device', required: true }), mac: argument({ description: 'MAC address', required: true }) };
  static override flags = fdbFlags;
  static override examples = ['<%= config.bin %> vxlan fdb delete vxlan100 02:00:00:00:00:02', '<%= config.bin %> fdb delete vxlan100 00:00:00:00:00:00 --dst 10.0.0.3'];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FdbDelete);
    const { dst, 'source-vni': sourceVni, ...words } = flags;
    await this.printCard(await deleteEntry({ ...words, device: args.interface!, mac: args.mac!, destination: dst, sourceVni }, this.changeContext), overlayCard);
  }
}
