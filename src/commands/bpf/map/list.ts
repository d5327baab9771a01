import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../../cli/command.ts';
import { watchFlags } from '../../../cli/flags.ts';
import { listMaps } from '../../../domain/maps/index.ts';
import { mapsView } from '../../../views/bpf-map.ts';

/** `sluice bpf map list` */
export default class BpfMapList extends SluiceCommand {
  static override summary = 'List BPF maps: type, size, memory, whose they are';
  static override description = 'KEY and VALUE are sizes in bytes, MAX-ENTRIES what there is room for. OWNER is who holds the map, or a program that uses it.';
  static override aliases = ['bpf:map:ls'];
  static override flags = {
    ...watchFlags,
    type: Flags.string({ multiple: true, delimiter: ',', helpValue: 'TYPE,…', summary: 'Only these types (hash, array, lpm_trie …)' }),
    owner: Flags.string({ helpValue: 'NAME|PID', summary: 'Only what this owner or process holds' }),
    orphan: Flags.boolean({ summary: 'Only maps that no process and no pin holds' }),
  };
  static override examples = ['<%= config.bin %> bpf map list', '<%= config.bin %> bpf map list --type hash,lru_hash --sort-by MEMORY', '<%= config.bin %> bpf map list --owner cilium -o wide'];

  async run(): Promise<void> {
    const { flags } = await this.parse(BpfMapList);
    const { type: types, owner, orphan } = flags;
    await this.printList(flags.watch, async () => [listMaps({ types, owner, orphan }), mapsView]);
  }
}
