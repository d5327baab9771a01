import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { listOverheads } from '../../domain/mtu/index.ts';
import { overheadView } from '../../views/mtu.ts';

/** `sluice mtu`, `sluice mtu overhead` */
export default class MtuOverhead extends SluiceCommand {
  static override summary = 'Show what each encapsulation costs, and what it leaves of an MTU';
  static override description = `Prints the short table for an IPv4 underlay, and the exact one behind it, worked out from the sizes of the headers:
IPv4 and IPv6 underlay, VLAN tags, options, ciphers. See also: mtu calc for encapsulations in each other, mtu check for a real path.`;
  static override aliases = ['mtu'];
  static override flags = { outer: Flags.integer({ default: 1500, helpValue: 'N', summary: 'MTU of the link that carries the tunnel' }) };
  static override examples = ['<%= config.bin %> mtu', '<%= config.bin %> mtu overhead --outer 9000', '<%= config.bin %> mtu -o json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(MtuOverhead);
    await this.printCard(listOverheads(flags.outer), overheadView);
  }
}
