import { SluiceCommand } from '../../cli/command.ts';
import { argument, watchFlags } from '../../cli/flags.ts';
import { readPipeline } from '../../domain/programs/index.ts';
import { pipelineView } from '../../views/pipeline.ts';

/** `sluice bpf net [INTERFACE]` */
export default class BpfNet extends SluiceCommand {
  static override summary = 'Show the BPF programs in the way of packets, in their order, for each interface and direction';
  static override description = `What comes in meets XDP, tcx, clsact filters, netfilter and socket lookup; what goes out meets netfilter, tcx and clsact filters.
DUPLICATE is an older program of the same code at the same hook, ORPHAN one that no process and no pin holds, GONE one whose device is gone, NETNS? a
netfilter program whose network namespace the kernel does not tell. With INTERFACE, what stands in the way of every interface is among its programs; without, it
has the interface *.`;
  static override aliases = ['bpf:net:list', 'bpf:net:show'];
  static override args = { interface: argument({ description: 'only this interface' }) };
  static override flags = watchFlags;
  static override examples = ['<%= config.bin %> bpf net', '<%= config.bin %> bpf net eth0', '<%= config.bin %> bpf net --netns blue -o json'];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(BpfNet);
    await this.printList(flags.watch, async () => [readPipeline({ device: args.interface, ...this.netns }), pipelineView]);
  }
}
