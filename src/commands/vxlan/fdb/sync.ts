import { Flags } from '@oclif/core';
import { ChangeCommand } from '../../../cli/command.ts';
import { argument } from '../../../cli/flags.ts';
import { syncEntries } from '../../../domain/vxlan/index.ts';
import { overlayCard } from '../../../views/vxlan.ts';

/** `sluice vxlan fdb sync DEVICE -f FILE` */
export default class FdbSync extends ChangeCommand {
  static override summary = 'Make the forwarding entries of a device those of a file, and remove the others';
  static override description =
    'The file is a list in YAML or JSON with mac and dst, and where needed port, vni, sourceVni, via, nexthopId, vlan, lifetime. What ' +
    '"sluice fdb list DEVICE -o yaml" prints can be used as it is. Learned entries and those of routing daemons are left alone.';
  static override aliases = ['fdb:sync'];
  static override args = { interface: argument({ description: 'name of a device', required: true }) };
  static override flags = { filename: Flags.string({ char: 'f', required: true, helpValue: 'FILE|-', summary: 'File with the entries; - is standard input' }) };
  static override examples = ['<%= config.bin %> vxlan fdb sync vxlan100 -f entries.yaml', '<%= config.bin %> fdb sync vxlan100 -f - --dry-run=client'];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(FdbSync);
    await this.printCard(await syncEntries(args.interface!, flags.filename!, this.changeContext), overlayCard);
  }
}
