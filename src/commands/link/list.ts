import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { watchFlags } from '../../cli/flags.ts';
import { listInterfaces } from '../../domain/links/index.ts';
import { linksView } from '../../views/link.ts';

/** `sluice link list` */
export default class LinkList extends SluiceCommand {
  static override summary = 'List network interfaces with state, addresses and what their kind tells';
  static override description =
    'DETAIL is what tells a device of its kind apart: VNI and local address of a VXLAN device, id of a VLAN, mode of a ' +
    'bond, the other end of a veth. -o json has everything that the kernel told, also what has no name here. --type takes ' +
    'the kind of a virtual device, or ethernet and loopback.';
  static override aliases = ['link:ls'];
  static override flags = {
    ...watchFlags,
    type: Flags.string({ multiple: true, helpValue: 'KIND', summary: 'Only interfaces of this kind (vxlan, veth, bridge, ethernet …); may be repeated' }),
  };
  static override examples = ['<%= config.bin %> link list', '<%= config.bin %> link list --type vxlan --type bridge', '<%= config.bin %> link list --netns pod1 -o json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(LinkList);
    await this.printList(flags.watch, async () => [await listInterfaces({ ...this.netns, ...(flags.type === undefined ? {} : { types: flags.type }) }), linksView]);
  }
}
