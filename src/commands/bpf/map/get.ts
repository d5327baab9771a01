import { SluiceCommand } from '../../../cli/command.ts';
import { argument } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { getMap } from '../../../domain/maps/index.ts';
import { mapCard } from '../../../views/bpf-map.ts';

/** `sluice bpf map get REF` */
export default class BpfMapGet extends SluiceCommand {
  static override summary = 'Show one BPF map: its types, how full it is, who holds it, what it cannot do';
  static override aliases = ['bpf:map:show', 'bpf:map:describe'];
  static override strict = false;
  static override args = { map: argument({ description: '412, id 412, NAME, or the path of a pin', required: true }) };
  static override examples = ['<%= config.bin %> bpf map get flows', '<%= config.bin %> bpf map get id 412 -o json'];

  async run(): Promise<void> {
    const { argv } = await this.parse(BpfMapGet);
    await this.printCard(getMap(readReference(argv)), mapCard);
  }
}
