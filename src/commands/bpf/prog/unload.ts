import { ChangeCommand } from '../../../cli/command.ts';
import { argument, BPF_REFERENCE, changeFlags, globalFlags } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { unloadProgram } from '../../../domain/programs/index.ts';
import { detachedView } from '../../../views/attach.ts';

/** `sluice bpf prog unload REF` */
export default class BpfProgUnload extends ChangeCommand {
  static override summary = 'Take a program off its hooks and remove its pins, so that it leaves the kernel';
  static override description = 'Says who still holds it, if somebody does. Asks first, with the name of the node, where others have attached or pinned it.';
  static override baseFlags = { ...globalFlags, 'dry-run': changeFlags['dry-run'] };
  static override strict = false;
  static override args = { program: argument({ description: BPF_REFERENCE, required: true }) };
  static override examples = ['<%= config.bin %> bpf prog unload fw_drop', '<%= config.bin %> bpf prog unload id 412 --dry-run=client'];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfProgUnload);
    const unloaded = await unloadProgram({ reference: readReference(argv), dryRun: this.dryRun(flags['dry-run']).dryRun !== undefined, ask: this.askFirst });
    await this.printCard(unloaded, detachedView);
  }
}
