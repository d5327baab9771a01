import { SluiceCommand } from '../../cli/command.ts';
import { argument, rulesetFlags, rulesetRequest } from '../../cli/flags.ts';
import { getRule } from '../../domain/netfilter/index.ts';
import { ruleDetailView } from '../../views/iptables.ts';

/** `sluice iptables get TABLE/CHAIN[#N]` */
export default class IptablesGet extends SluiceCommand {
  static override summary = 'Show one chain or rule: what it matches, what it does, who calls it, its native text';
  static override aliases = ['iptables:describe'];
  static override args = { chain: argument({ description: 'TABLE/CHAIN or TABLE/CHAIN#N', required: true }) };
  static override flags = rulesetFlags;
  static override examples = ['<%= config.bin %> iptables get filter/INPUT', '<%= config.bin %> iptables get filter/INPUT#3 -o yaml'];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(IptablesGet);
    await this.printCard(await getRule({ ...rulesetRequest(flags), ...this.netns }, args['chain']!), ruleDetailView);
  }
}
