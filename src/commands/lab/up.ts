import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { createLab } from '../../domain/lab/index.ts';
import { labView } from '../../views/lab.ts';

/** `sluice lab up [NAME]` */
export default class LabUp extends SluiceCommand {
  static override summary = 'Build a lab: nodes, pods and a client as network namespaces, with a firewall and services';
  static override description = `Nothing is changed outside the namespaces that are made. Every node has kube-proxy-shaped services and a stateful
firewall; every pod runs a TCP server on 8080 and a UDP echo on 5353. Other commands work inside with --netns sl-NAME-node1.`;
  static override args = { name: argument({ description: 'name of the lab (default lab)' }) };
  static override flags = {
    nodes: Flags.integer({ default: 2, helpValue: 'N', summary: 'Nodes' }),
    pods: Flags.integer({ default: 2, helpValue: 'N', summary: 'Pods on each node' }),
    services: Flags.integer({ default: 8, helpValue: 'N', summary: 'Services' }),
    firewall: Flags.string({ default: 'small', helpValue: 'small|office|FILE', summary: 'Firewall of every node; FILE is an iptables-save dump' }),
    overlay: Flags.string({ options: ['none', 'vxlan'], default: 'none', summary: 'How packets of pods get from node to node: routed, or through VXLAN' }),
    backend: Flags.string({ options: ['legacy', 'nft'], default: 'legacy', summary: 'Which iptables holds the rules' }),
  };
  static override examples = ['<%= config.bin %> lab up', '<%= config.bin %> lab up big --nodes 3 --pods 4 --firewall office --backend nft', '<%= config.bin %> lab up --overlay vxlan'];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(LabUp);
    this.progress.step('building the lab');
    const { nodes, pods, services, firewall } = flags;
    await this.printCard(await createLab({ name: args['name'] ?? 'lab', nodes, pods, services, firewall, backend: flags.backend as 'legacy' | 'nft', overlay: flags.overlay as 'none' | 'vxlan' }), labView);
  }
}
