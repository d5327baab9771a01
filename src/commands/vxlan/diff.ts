import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { meshFlags, meshRequest } from '../../cli/flags.ts';
import { diffMesh } from '../../domain/vxlan/index.ts';
import { meshDiffView } from '../../views/vxlan-mesh.ts';

/** `sluice vxlan diff -f FILE` */
export default class VxlanDiff extends SluiceCommand {
  static override summary = 'Compare this node with documents of kind VxlanMesh or VxlanTunnel';
  static override description = 'Shows what vxlan apply would change: + create, ~ change, - delete. Ends with 0 when nothing differs, with 1 when something does.';
  static override flags = {
    ...meshFlags,
    prune: Flags.boolean({ summary: 'Also look for devices of documents that the file does not have any more' }),
    force: Flags.boolean({ summary: 'Compare with a device that sluice did not make, too' }),
  };
  static override examples = ['<%= config.bin %> vxlan diff -f mesh.yaml', '<%= config.bin %> vxlan diff -f mesh.yaml --from kubernetes -o json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(VxlanDiff);
    const { rows, warnings } = await diffMesh({ ...meshRequest(flags), prune: flags.prune }, { ...this.netns, force: flags.force });
    await this.printTable({ items: rows, complete: warnings.length === 0, warnings }, meshDiffView);
    this.answer(rows.length === 0);
  }
}
