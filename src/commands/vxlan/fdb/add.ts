import { Flags } from '@oclif/core';
import { ChangeCommand } from '../../../cli/command.ts';
import { argument, fdbFlags } from '../../../cli/flags.ts';
import { addEntry } from '../../../domain/vxlan/index.ts';
import { overlayCard } from '../../../views/vxlan.ts';

/** `sluice vxlan fdb add DEVICE MAC` */
export default class FdbAdd extends ChangeCommand {
  static override summary = 'Write a forwarding entry';
  static override description =
    'The address 00:00:00:00:00:00 takes every frame without an entry of its own, and its entries add up: frames are copied to each ' +
    'remote end. Of another address a second entry is refused unless it is appended or replaces the first.';
  static override aliases = ['fdb:add'];
  static override args = { interface: argument({ description: 'name of a device', required: true }), mac: argument({ description: 'MAC address', required: true }) };
  static override flags = {
    ...fdbFlags,
    append: Flags.boolean({ exclusive: ['replace'], summary: 'Add another remote end to the address' }),
    replace: Flags.boolean({ summary: 'Take the place of the entry that is there' }),
    lifetime: Flags.string({ options: ['permanent', 'static', 'dynamic'], default: 'permanent', summary: 'How long it stays; dynamic ones age' }),
    sticky: Flags.boolean({ summary: 'On a bridge: do not move to another port' }),
    nexthop: Flags.integer({ helpValue: 'ID', summary: 'Nexthop group in place of one remote end' }),
  };
  static override examples = [
    '<%= config.bin %> vxlan fdb add vxlan100 02:00:00:00:00:02 --dst 10.0.0.2', '<%= config.bin %> fdb add vxlan100 00:00:00:00:00:00 --dst 10.0.0.3',
    '<%= config.bin %> fdb add vxlan100 02:00:00:00:00:02 --dst 10.0.0.9 --replace',
  ];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FdbAdd);
    const { dst, 'source-vni': sourceVni, nexthop, append, replace, ...words } = flags;
    const entry = { ...words, device: args.interface!, mac: args.mac!, destination: dst, sourceVni, nexthopId: nexthop };
    await this.printCard(await addEntry(entry, replace ? 'replace' : append ? 'append' : 'create', this.changeContext), overlayCard);
  }
}
