import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { argument, rulesetFlags, rulesetRequest, watchFlags } from '../../cli/flags.ts';
import { listServices } from '../../domain/netfilter/index.ts';
import { servicesView } from '../../views/iptables-services.ts';

/** `sluice iptables services [NAME]` */
export default class IptablesServices extends SluiceCommand {
  static override summary = 'List the Kubernetes services that kube-proxy\'s rules carry';
  static override description =
    'Decodes KUBE-SERVICES, KUBE-SVC, KUBE-EXT and KUBE-SEP chains to services and their backends, with the share of new connections that each ' +
    'backend gets. What does not fit kube-proxy\'s structure is reported under ISSUES and as warnings, and not guessed at.';
  static override args = { name: argument({ description: 'NAME, NAMESPACE/NAME or NAMESPACE/NAME:PORT' }) };
  static override flags = {
    ...rulesetFlags,
    ...watchFlags,
    namespace: Flags.string({ char: 'n', helpValue: 'NAME', summary: 'Only services of this Kubernetes namespace' }),
    'no-endpoints': Flags.boolean({ summary: 'Only services that reach no backend' }),
  };
  static override examples = [
    '<%= config.bin %> iptables services -o wide',
    '<%= config.bin %> iptables services kube-system/kube-dns -o json',
    'iptables-save | <%= config.bin %> iptables services -f - --no-endpoints',
  ];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(IptablesServices);
    const filter = { namespace: flags.namespace, name: args['name'], noEndpoints: flags['no-endpoints'] };
    await this.printList(flags.watch, async () => [await listServices({ ...rulesetRequest(flags), ...this.netns }, filter), servicesView]);
  }
}
