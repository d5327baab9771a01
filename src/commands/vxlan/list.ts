import { SluiceCommand } from '../../cli/command.ts';
import { watchFlags } from '../../cli/flags.ts';
import { listTunnels } from '../../domain/vxlan/index.ts';
import { tunnelsView } from '../../views/vxlan.ts';

/** `sluice vxlan list` */
export default class VxlanList extends SluiceCommand {
  static override summary = 'List VXLAN tunnels with their ends, their owner and what is wrong at first sight';
  static override description =
    'PEERS counts the different remote ends in the forwarding database. OWNER is sluice, the network plugin that made the ' +
    'device (flannel, calico, cilium …), or unknown. ISSUES: mtu (larger than what fits through the underlay), local (its ' +
    'address is on no interface), underlay (no carrier), no-remote (nowhere to send to), down. "sluice vxlan check" looks ' +
    'closer.';
  static override aliases = ['vxlan:ls'];
  static override flags = watchFlags;
  static override examples = ['<%= config.bin %> vxlan list', '<%= config.bin %> vxlan list -o wide', '<%= config.bin %> vxlan list --netns lab1 -o json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(VxlanList);
    await this.printList(flags.watch, async () => [await listTunnels(this.netns), tunnelsView]);
  }
}
