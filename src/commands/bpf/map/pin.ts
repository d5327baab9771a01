import { ChangeCommand } from '../../../cli/command.ts';
import { argument, changeFlags, globalFlags } from '../../../cli/flags.ts';
import { takeReference } from '../../../domain/bpf/index.ts';
import { pinMap } from '../../../domain/maps/index.ts';
import { mapChangeCard } from '../../../views/bpf-map.ts';

/** `sluice bpf map pin REF PATH` */
export default class BpfMapPin extends ChangeCommand {
  static override summary = 'Pin a map, so that it outlives who holds it';
  static override description = 'A path in a bpf file system, whose folders are made as needed, or a name below sluice/maps. `sluice bpf pin delete` takes the pin away.';
  static override strict = false;
  static override baseFlags = { ...globalFlags, 'dry-run': changeFlags['dry-run'] };
  static override args = {
    map: argument({ description: 'id, name or pin of the map', required: true }),
    path: argument({ description: 'where', required: true }),
  };
  static override examples = ['<%= config.bin %> bpf map pin 412 /sys/fs/bpf/flows', '<%= config.bin %> bpf map pin id 412 flows'];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfMapPin);
    const { reference, rest } = takeReference(argv);
    await this.printCard(pinMap(reference, rest, { dryRun: this.dryRun(flags['dry-run']).dryRun }), mapChangeCard);
  }
}
