import { Flags } from '@oclif/core';
import { ChangeCommand } from '../../../cli/command.ts';
import { argument, changeFlags, decodeFlags, globalFlags } from '../../../cli/flags.ts';
import { deleteEntry } from '../../../domain/maps/index.ts';
import { entryChangeCard } from '../../../views/bpf-map.ts';

/** `sluice bpf map delete REF KEY` */
export default class BpfMapDelete extends ChangeCommand {
  static override summary = 'Delete one entry of a map';
  static override description = 'The key is typed as for `bpf map lookup`. A queue or stack has no keys, and gives up its next value.';
  static override strict = false;
  static override baseFlags = { ...globalFlags, 'dry-run': changeFlags['dry-run'] };
  static override args = {
    map: argument({ description: 'id, name or pin of the map', required: true }),
    key: argument({ description: 'the key' }),
  };
  static override flags = { ...decodeFlags, 'ignore-not-found': Flags.boolean({ summary: 'End with 0 when there is no such entry' }) };
  static override examples = ['<%= config.bin %> bpf map delete blocked 10.0.0.1', '<%= config.bin %> bpf map delete jobs --dry-run=client'];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfMapDelete);
    const change = deleteEntry(argv, { as: flags.as, ignoreMissing: flags['ignore-not-found'], dryRun: this.dryRun(flags['dry-run']).dryRun !== undefined });
    if (change !== undefined) await this.printCard(change, entryChangeCard);
  }
}
