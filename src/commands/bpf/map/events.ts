import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../../cli/command.ts';
import { argument, decodeFlags } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { followEvents } from '../../../domain/maps/index.ts';
import { eventsView } from '../../../views/bpf-map.ts';

/** `sluice bpf map events REF` */
export default class BpfMapEvents extends SluiceCommand {
  static override summary = 'Follow what programs put into a ring buffer or a perf event array';
  static override description =
    'Records are bytes; --type names the struct that they are, from the types of programs that use the map or of the kernel. A perf event array tells how many ' +
    'records there was no room for, a ring buffer does not. Each record reaches one reader: where another process holds the map, --force is needed.';
  static override strict = false;
  static override args = { map: argument({ description: 'id, name or pin of the map', required: true }) };
  static override flags = {
    ...decodeFlags,
    type: Flags.string({ helpValue: 'STRUCT', summary: 'Read records as this type' }),
    count: Flags.integer({ min: 1, helpValue: 'N', summary: 'End after as many events' }),
    force: Flags.boolean({ summary: 'Take records away from another reader' }),
  };
  static override examples = ['<%= config.bin %> bpf map events drops --type drop_event', '<%= config.bin %> bpf map events id 412 --count 10 -o json'];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfMapEvents);
    const { type, as, count, force } = flags;
    const totals = await this.printLive(followEvents(readReference(argv), { type, as, count, force, until: this.interrupted }), eventsView);
    this.hint(`${totals.events} events${totals.countsLost ? `, ${totals.lost} lost` : '; a ring buffer does not count what it had no room for'}`);
  }
}
