import { Flags } from '@oclif/core';
import { ChangeCommand } from '../../../cli/command.ts';
import { argument, changeFlags, decodeFlags, globalFlags } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { loadEntries, setEntry } from '../../../domain/maps/index.ts';
import { entryChangeCard, loadCard } from '../../../views/bpf-map.ts';

/** `sluice bpf map set REF KEY VALUE`, `sluice bpf map set REF -f FILE` */
export default class BpfMapSet extends ChangeCommand {
  static override summary = 'Set one entry of a map, or all that a file has';
  static override description =
    'Key and value are typed as for `bpf map lookup`. A map of maps or programs takes a map or program, by id, name or pin; a cgroup array the path of a ' +
    'cgroup, a socket map PID/FD, a device map the name of an interface. A queue or stack gets the value put on. A file has what `bpf map dump -o json` printed, a ' +
    'JSON array, objects one a line, or CSV with a header such as key.saddr,value; it is read to its end before anything is changed.';
  static override strict = false;
  static override baseFlags = { ...globalFlags, 'dry-run': changeFlags['dry-run'] };
  static override args = {
    map: argument({ description: 'id, name or pin of the map', required: true }),
    key: argument({ description: 'the key' }),
    value: argument({ description: 'the value' }),
  };
  static override flags = {
    ...decodeFlags,
    filename: Flags.string({ char: 'f', helpValue: 'FILE|-', summary: 'Set all entries of a file' }),
    format: Flags.string({ options: ['json', 'csv'], dependsOn: ['filename'], summary: 'What the file is; told by its first character otherwise' }),
    when: Flags.string({ options: ['present', 'absent'], exclusive: ['filename'], summary: 'Only when the entry is there, or is not' }),
    cpu: Flags.integer({ min: 0, exclusive: ['filename'], helpValue: 'N', summary: 'Of a per-CPU map, only the value of this CPU' }),
  };
  static override examples = [
    '<%= config.bin %> bpf map set blocked 10.0.0.1 1',
    "<%= config.bin %> bpf map set flows '10.0.0.1:443/tcp' 'packets=0 bytes=0' --when absent",
    '<%= config.bin %> bpf map set blocked -f blocked.csv',
    '<%= config.bin %> bpf map dump old -o json | <%= config.bin %> bpf map set new -f -',
  ];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfMapSet);
    const { as, filename, format, when, cpu } = flags;
    const dryRun = this.dryRun(flags['dry-run']).dryRun !== undefined;
    if (filename !== undefined) return await this.printCard(await loadEntries(readReference(argv), filename, { as, format: format as 'json', dryRun }), loadCard);
    await this.printCard(setEntry(argv, { as, when: when as 'present', cpu, dryRun }), entryChangeCard);
  }
}
