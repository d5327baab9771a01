import { Flags } from '@oclif/core';
import { ChangeCommand } from '../../cli/command.ts';
import { changeFlags, globalFlags } from '../../cli/flags.ts';
import { collectGarbage } from '../../domain/programs/index.ts';
import { garbageView } from '../../views/pins.ts';

/** `sluice bpf gc` */
export default class BpfGc extends ChangeCommand {
  static override summary = 'List pins that nothing needs; with --yes, delete them';
  static override description = `Pins of programs that are attached nowhere, of maps that no program uses, of links whose device is gone; what a process holds or another
map contains is needed. Programs of types that may be attached unseen (to sockets, perf events, routes) are never listed. --yes deletes what sluice pinned, and
with --owner what that owner did; it cannot be undone, and DELETED says what it was.`;
  static override baseFlags = { ...globalFlags, 'dry-run': changeFlags['dry-run'] };
  static override flags = { owner: Flags.string({ helpValue: 'NAME', summary: 'Only what belongs to this owner' }) };
  static override examples = ['<%= config.bin %> bpf gc', '<%= config.bin %> bpf gc --yes', '<%= config.bin %> bpf gc --owner cilium -o json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(BpfGc);
    // A flag that was not given is absent, whatever its type says.
    const remove = (flags.yes as boolean | undefined) === true && this.dryRun(flags['dry-run']).dryRun === undefined;
    await this.printTable(collectGarbage({ owner: flags.owner, delete: remove }), garbageView);
  }
}
