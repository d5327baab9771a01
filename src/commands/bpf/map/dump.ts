import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../../cli/command.ts';
import { argument, decodeFlags } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { dumpMap } from '../../../domain/maps/index.ts';
import { dumpView } from '../../../views/bpf-map.ts';

export default class BpfMapDump extends SluiceCommand {
  static override summary = 'Print all entries of a map';
  static override description =
    'Bytes are read through the types that the map was made with; names such as saddr, dport or mac say that a number is an address or a ' +
    'port. JSON has the raw bytes in hex beside what they mean. Entries come as they are read, so that a map of any size takes little memory; ' +
    '--sort-by has to keep them all. --filter and --sort-by take key, value, key.NAME or value.NAME.';
  static override strict = false;
  static override args = { map: argument({ description: 'id, name or pin of the map', required: true }) };
  static override flags = {
    ...decodeFlags,
    filter: Flags.string({ multiple: true, helpValue: 'FIELD=VALUE', summary: 'Only entries of which this holds (also != < <= > >=); several must all hold' }),
    recursive: Flags.boolean({ char: 'r', summary: 'Of a map of maps, also what is in those' }),
  };
  static override examples = [
    '<%= config.bin %> bpf map dump flows --filter key.saddr=10.0.0.0/8 --limit 10',
    '<%= config.bin %> bpf map dump id 412 --as key=ipv4,value=u64 --sort-by value',
    '<%= config.bin %> bpf map dump /sys/fs/bpf/routes -o json',
  ];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfMapDump);
    const stream = dumpMap(readReference(argv), { as: flags.as, filters: flags.filter ?? [], recursive: flags.recursive, sortBy: flags['sort-by'], limit: flags.limit });
    await this.printStream(stream, dumpView(stream));
  }
}
