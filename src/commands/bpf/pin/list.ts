import { SluiceCommand } from '../../../cli/command.ts';
import { argument } from '../../../cli/flags.ts';
import { listPinned } from '../../../domain/programs/index.ts';
import { pinsView } from '../../../views/pins.ts';

/** `sluice bpf pin list [DIR]` */
export default class BpfPinList extends SluiceCommand {
  static override summary = 'List pins: programs, maps and links that stay because of a path in a bpf file system';
  static override aliases = ['bpf:pin:ls'];
  static override args = { directory: argument({ description: 'only below this folder' }) };
  static override examples = ['<%= config.bin %> bpf pin list', '<%= config.bin %> bpf pin list /sys/fs/bpf/sluice -o wide'];

  async run(): Promise<void> {
    const { args } = await this.parse(BpfPinList);
    await this.printTable(listPinned(args.directory), pinsView);
  }
}
