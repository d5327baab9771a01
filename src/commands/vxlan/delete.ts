import { ChangeCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { deleteTunnel } from '../../domain/vxlan/index.ts';
import { overlayCard } from '../../views/vxlan.ts';

/** `sluice vxlan delete NAME` */
export default class VxlanDelete extends ChangeCommand {
  static override summary = 'Remove a VXLAN tunnel';
  static override description =
    'A device that a network plugin made (flannel, calico, cilium …) is refused unless --force and --yes are given. "sluice ' +
    'change rollback" makes the tunnel again with its addresses, lasting entries, neighbours and routes.';
  static override args = { tunnel: argument({ description: 'name of a VXLAN device', required: true }) };
  static override examples = ['<%= config.bin %> vxlan delete vxlan100', '<%= config.bin %> vxlan delete vxlan100 --dry-run=client'];

  async run(): Promise<void> {
    const { args } = await this.parse(VxlanDelete);
    await this.printCard(await deleteTunnel(args.tunnel!, this.changeContext), overlayCard);
  }
}
