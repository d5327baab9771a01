import { ChangeCommand } from '../../../cli/command.ts';
import { argument, changeFlags, globalFlags } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { freezeMap } from '../../../domain/maps/index.ts';
import { mapChangeCard } from '../../../views/bpf-map.ts';

/** `sluice bpf map freeze REF` */
export default class BpfMapFreeze extends ChangeCommand {
  static override summary = 'Forbid changes of a map from user space, for good';
  static override description = 'Nothing takes this back but the end of the map. Programs may still change it.';
  static override strict = false;
  static override baseFlags = { ...globalFlags, 'dry-run': changeFlags['dry-run'] };
  static override args = { map: argument({ description: 'id, name or pin of the map', required: true }) };
  static override examples = ['<%= config.bin %> bpf map freeze settings', '<%= config.bin %> bpf map freeze id 412 --dry-run=client'];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfMapFreeze);
    await this.printCard(freezeMap(readReference(argv), { dryRun: this.dryRun(flags['dry-run']).dryRun !== undefined }), mapChangeCard);
  }
}
