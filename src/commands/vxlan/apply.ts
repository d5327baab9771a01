import { Flags } from '@oclif/core';
import { ChangeCommand } from '../../cli/command.ts';
import { meshFlags, meshRequest } from '../../cli/flags.ts';
import { applyMesh } from '../../domain/vxlan/index.ts';
import { meshCard } from '../../views/vxlan-mesh.ts';

/** `sluice vxlan apply -f FILE` */
export default class VxlanApply extends ChangeCommand {
  static override summary = 'Make this node what documents of kind VxlanMesh or VxlanTunnel say';
  static override description = `A VxlanMesh lists the nodes of an overlay, with underlay address, pod network and MAC address of each. The same file goes to
every node: each finds itself by its underlay address, and gets its device and for every other node a forwarding entry, a
neighbour entry and a route, so that nothing is flooded (mode: routed, as flannel and Calico do it), or a flood entry and a route
(mode: flood). A VxlanTunnel is one device with its entries.

Applying again changes only what differs. What left the file is removed from the device; entries that were learned, and routes of
others, are left alone. All of it is one change, which is undone at once when the kernel refuses a part, and can be rolled
back later. What an apply that was cut off has left is undone first.`;
  static override flags = {
    ...meshFlags,
    prune: Flags.boolean({ summary: 'Also remove devices of documents that the file does not have any more' }),
    diff: Flags.boolean({ summary: 'Show every difference' }),
  };
  static override examples = [
    '<%= config.bin %> vxlan apply -f mesh.yaml', '<%= config.bin %> vxlan apply -f mesh.yaml --dry-run=kernel --diff', '<%= config.bin %> vxlan apply -f mesh.yaml --from kubernetes --confirm-within 2m',
    'cat mesh.yaml | <%= config.bin %> vxlan apply -f - --node-name node1',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(VxlanApply);
    const outcome = await applyMesh({ ...meshRequest(flags), prune: flags.prune }, this.changeContext, (what) => this.progress.step(what));
    for (const warning of outcome.warnings) this.hint(`warning: ${warning}`);
    await this.printCard(outcome, meshCard(flags.diff));
  }
}
