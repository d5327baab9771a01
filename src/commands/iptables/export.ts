import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { rulesetFlags, rulesetRequest } from '../../cli/flags.ts';
import { exportRules } from '../../domain/netfilter/index.ts';
import { rulesetsView } from '../../views/rulesets.ts';

/** `sluice iptables export` */
export default class IptablesExport extends SluiceCommand {
  static override summary = 'Print the rules as iptables-save text, byte for byte, or as a JSON or YAML model';
  static override description =
    'The text is what iptables-save -c prints, for one family and backend; the model holds all that were read. There is no nft text: ' +
    'iptables-translate, which would write it, changes the meaning of some rules.';
  static override flags = {
    ...rulesetFlags,
    format: Flags.string({ options: ['save', 'json', 'yaml'], summary: 'save is iptables-save text; json and yaml are the parsed model (same as -o)' }),
  };
  static override examples = ['<%= config.bin %> iptables export -4 > rules.v4', '<%= config.bin %> iptables export -f rules.v4 -o json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(IptablesExport);
    const exported = await exportRules({ ...rulesetRequest(flags), ...this.netns });
    if (this.wantsText(flags.format)) return void process.stdout.write(exported.text());
    await this.printCard(exported, rulesetsView);
  }
}
