import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { getInterface } from '../../domain/links/index.ts';
import { linkCard } from '../../views/link.ts';

/** `sluice link get NAME` */
export default class LinkGet extends SluiceCommand {
  static override summary = 'Show one network interface with its kind, its role in a bridge and its counters';
  static override aliases = ['link:show'];
  static override args = { interface: argument({ description: 'name or alternative name of an interface', required: true }) };
  static override examples = ['<%= config.bin %> link get eth0', '<%= config.bin %> link get vxlan100 -o json', '<%= config.bin %> link get eth0 --netns pod1'];

  async run(): Promise<void> {
    const { args } = await this.parse(LinkGet);
    await this.printCard(await getInterface(args.interface!, this.netns), linkCard);
  }
}
