import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../../cli/command.ts';
import { argument, decodeFlags } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { watchMap } from '../../../domain/maps/index.ts';
import { differencesView } from '../../../views/bpf-map.ts';

/** `sluice bpf map watch REF` */
export default class BpfMapWatch extends SluiceCommand {
  static override summary = 'Show entries of a map as they appear, change and go';
  static override description =
    'Reads the map every second and prints what is not as it was a second ago; PER-SECOND has by how much numbers grew. Of per-CPU maps the sum over all CPUs ' +
    'is compared. It goes on until it is interrupted, or --timeout is over.';
  static override strict = false;
  static override args = { map: argument({ description: 'id, name or pin of the map', required: true }) };
  static override flags = {
    ...decodeFlags,
    filter: Flags.string({ multiple: true, helpValue: 'FIELD=VALUE', summary: 'Only entries of which this holds; several must all hold' }),
  };
  static override examples = ['<%= config.bin %> bpf map watch sources', "<%= config.bin %> bpf map watch flows --filter 'key.dport=443' -o json"];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfMapWatch);
    const watch = watchMap(readReference(argv), { as: flags.as, filters: flags.filter ?? [] });
    await this.printList(true, async () => [watch.read(), differencesView]);
  }
}
