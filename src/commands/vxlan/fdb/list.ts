import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../../cli/command.ts';
import { argument, watchFlags } from '../../../cli/flags.ts';
import { streamEntries } from '../../../domain/vxlan/index.ts';
import { fdbView } from '../../../views/fdb.ts';

/** `sluice vxlan fdb list [DEVICE]` */
export default class FdbList extends SluiceCommand {
  static override summary = 'List forwarding entries: which MAC address is behind which remote end or port';
  static override description =
    'Entries of VXLAN devices and of bridges, or of one device; the name of a bridge stands for all its ports. TABLE is self for ' +
    'the table of the device, or the name of the bridge. USED and UPDATED count from the last frame and from the last change. ' +
    '-o wide adds port, VNI, interface and nexthop group of the remote end.';
  static override aliases = ['vxlan:fdb:ls', 'fdb:list', 'fdb:ls'];
  static override args = { interface: argument({ description: 'name of a device or bridge' }) };
  static override flags = { ...watchFlags, mac: Flags.string({ helpValue: 'MAC', summary: 'Only entries of this address' }) };
  static override examples = ['<%= config.bin %> vxlan fdb list vxlan100', '<%= config.bin %> fdb list --mac 02:00:00:00:00:02', '<%= config.bin %> fdb list br0 -o wide'];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FdbList);
    await this.printLong(flags.watch, () => streamEntries({ device: args.interface, mac: flags.mac, ...this.netns }), fdbView);
  }
}
