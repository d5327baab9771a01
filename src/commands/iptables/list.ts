import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { argument, rulesetFlags, rulesetRequest, watchFlags } from '../../cli/flags.ts';
import { listRules } from '../../domain/netfilter/index.ts';
import { rulesView } from '../../views/iptables.ts';

/** `sluice iptables list [TABLE[/CHAIN]]` */
export default class IptablesList extends SluiceCommand {
  static override summary = 'List rules in the order in which packets meet them, with counters and owners';
  static override aliases = ['iptables:ls', 'iptables:show'];
  static override args = { chain: argument({ description: 'table, or table/chain; everything when absent' }) };
  static override flags = {
    ...rulesetFlags,
    ...watchFlags,
    owner: Flags.string({ helpValue: 'NAME', summary: 'Only rules of this writer, such as kube-proxy' }),
    unused: Flags.boolean({ summary: 'Only rules that no packet has hit' }),
    top: Flags.integer({ min: 1, helpValue: 'N', summary: 'Only the N rules with most packets' }),
  };
  static override examples = [
    '<%= config.bin %> iptables list filter/FORWARD', '<%= config.bin %> iptables list -o wide --top 10',
    'iptables-save -c | <%= config.bin %> iptables list -f - nat', '<%= config.bin %> iptables list --unused -o json', '<%= config.bin %> iptables list -w filter/FORWARD',
  ];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(IptablesList);
    const place = args['chain'];
    const filter = {
      unused: flags.unused,
      ...(place === undefined ? {} : { place }), ...(flags.owner === undefined ? {} : { owner: flags.owner }), ...(flags.top === undefined ? {} : { top: flags.top }),
    };
    await this.printList(flags.watch, async () => {
      const listing = await listRules({ ...rulesetRequest(flags), ...this.netns }, filter);
      return [listing, rulesView(listing.items, place)];
    });
  }
}
