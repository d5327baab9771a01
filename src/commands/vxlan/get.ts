import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { getTunnel } from '../../domain/vxlan/index.ts';
import { tunnelCard } from '../../views/vxlan.ts';

/** `sluice vxlan get NAME` */
export default class VxlanGet extends SluiceCommand {
  static override summary = 'Show one VXLAN tunnel with its options and its forwarding database';
  static override aliases = ['vxlan:show'];
  static override args = { tunnel: argument({ description: 'name of a VXLAN device', required: true }) };
  static override examples = ['<%= config.bin %> vxlan get vxlan100', '<%= config.bin %> vxlan get flannel.1 -o json'];

  async run(): Promise<void> {
    const { args } = await this.parse(VxlanGet);
    await this.printCard(await getTunnel(args.tunnel!, this.netns), tunnelCard);
  }
}
