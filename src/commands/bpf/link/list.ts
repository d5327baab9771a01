import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../../cli/command.ts';
import { watchFlags } from '../../../cli/flags.ts';
import { listLinks } from '../../../domain/programs/index.ts';
import { linksView } from '../../../views/attach.ts';

/** `sluice bpf link list` */
export default class BpfLinkList extends SluiceCommand {
  static override summary = 'List BPF links: which program stands where, and who keeps it there';
  static override description = 'A link whose device, cgroup or namespace is gone is marked gone: it never runs again. With --netns, only what stands in that network namespace, or where it cannot be told.';
  static override aliases = ['bpf:link:ls'];
  static override flags = { ...watchFlags, type: Flags.string({ multiple: true, delimiter: ',', helpValue: 'TYPE,…', summary: 'Only these types (xdp, tcx, tracing …)' }) };
  static override examples = ['<%= config.bin %> bpf link list', '<%= config.bin %> bpf link list --type xdp,tcx -o wide', '<%= config.bin %> bpf link list -o json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(BpfLinkList);
    await this.printList(flags.watch, async () => [listLinks({ types: flags.type, ...this.netns }), linksView]);
  }
}
