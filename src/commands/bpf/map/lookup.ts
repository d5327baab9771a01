import { SluiceCommand } from '../../../cli/command.ts';
import { argument, decodeFlags } from '../../../cli/flags.ts';
import { lookupEntry } from '../../../domain/maps/index.ts';
import { foundCard } from '../../../views/bpf-map.ts';

/** `sluice bpf map lookup REF KEY` */
export default class BpfMapLookup extends SluiceCommand {
  static override summary = 'Look one key up in a map';
  static override description =
    "Keys are typed as people write them: 7, 10.0.0.1, 10.0.0.0/8, 443/tcp, 'saddr=10.0.0.1 dport=443', u32:7, hex:0a000001, JSON, or as for bpftool: " +
    'key 0a 00 00 01. A queue or stack has no keys, and shows its next value; a bloom filter is asked for a value and answers yes or no (0 or 1). ' +
    'Storage of a task is looked up by PID, of a socket by PID/FD, of a file or cgroup by path.';
  static override strict = false;
  static override args = {
    map: argument({ description: 'id, name or pin of the map', required: true }),
    key: argument({ description: 'the key' }),
  };
  static override flags = decodeFlags;
  static override examples = [
    '<%= config.bin %> bpf map lookup routes 10.0.0.1',
    "<%= config.bin %> bpf map lookup flows 'saddr=10.0.0.1 daddr=10.0.0.2 sport=4000 dport=443 proto=6'",
    '<%= config.bin %> bpf map lookup id 412 key 0a 00 00 01 -o json',
  ];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfMapLookup);
    const found = lookupEntry(argv, flags.as);
    await this.printCard(found, foundCard);
    if (found.contained !== undefined) this.answer(found.contained);
  }
}
