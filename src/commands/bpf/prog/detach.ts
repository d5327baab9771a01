import { Flags } from '@oclif/core';
import { ChangeCommand } from '../../../cli/command.ts';
import { argument, BPF_REFERENCE, changeFlags, globalFlags } from '../../../cli/flags.ts';
import { readReference } from '../../../domain/bpf/index.ts';
import { detachProgram } from '../../../domain/programs/index.ts';
import { detachedView } from '../../../views/attach.ts';

/** `sluice bpf prog detach REF` */
export default class BpfProgDetach extends ChangeCommand {
  static override summary = 'Take a program off the hooks where it stands';
  static override description =
    'Off all of them, or off those that --attach names. Asks first, with the name of the node, where somebody else has attached it. ' +
    'The program stays loaded while it is pinned or held: sluice bpf prog unload removes that too.';
  static override baseFlags = { ...globalFlags, 'dry-run': changeFlags['dry-run'] };
  static override strict = false;
  static override args = { program: argument({ description: BPF_REFERENCE, required: true }) };
  static override flags = {
    attach: Flags.string({ char: 'a', helpValue: 'HOOK[:TARGET]', summary: 'Only off this hook' }),
  };
  static override examples = ['<%= config.bin %> bpf prog detach fw_drop', '<%= config.bin %> bpf prog detach id 412 --attach xdp:eth0 --dry-run=client'];

  async run(): Promise<void> {
    const { argv, flags } = await this.parse(BpfProgDetach);
    const detached = await detachProgram({
      reference: readReference(argv), from: flags.attach, dryRun: this.dryRun(flags['dry-run']).dryRun !== undefined, ask: this.askFirst, ...this.netns,
    });
    await this.printCard(detached, detachedView);
  }
}
