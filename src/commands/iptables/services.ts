import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { listServices, type ServicesRequest } from '../../domain/netfilter/index.ts';
import { servicesView } from '../../views/iptables-services.ts';

/** `sluice iptables services [NAME]` */
export default class IptablesServices extends SluiceCommand {
  static override summary = 'List the Kubernetes services that kube-proxy\'s rules carry';
  static override description =
    'Decodes KUBE-SERVICES, KUBE-SVC, KUBE-EXT and KUBE-SEP chains to services and their backends, with the share of new connections that each ' +
    'backend gets. What does not fit kube-proxy\'s structure is reported under ISSUES and as warnings, and not guessed at.';
  static override aliases = ['ipt:services'];
  static override args = { name: argument({ description: 'NAME, NAMESPACE/NAME or NAMESPACE/NAME:PORT' }) };
  static override flags = {
    filename: Flags.string({ char: 'f', helpValue: 'FILE|-', summary: 'Read a dump of iptables-save instead of the live rules' }),
    namespace: Flags.string({ char: 'n', helpValue: 'NAME', summary: 'Only services of this Kubernetes namespace' }),
    'no-endpoints': Flags.boolean({ summary: 'Only services that reach no backend' }),
    // oclif's type knows letters only; its parser takes digits as well.
    ipv4: Flags.boolean({ char: '4' as never, summary: 'Only IPv4', exclusive: ['ipv6'] }),
    ipv6: Flags.boolean({ char: '6' as never, summary: 'Only IPv6' }),
    backend: Flags.custom<ServicesRequest['backend']>({ options: ['auto', 'legacy', 'nft', 'all'] })({ default: 'auto', summary: 'Whose rules; auto: whichever holds any' }),
  };
  static override examples = [
    '<%= config.bin %> iptables services -o wide',
    '<%= config.bin %> iptables services kube-system/kube-dns -o json',
    'iptables-save | <%= config.bin %> iptables services -f - --no-endpoints',
  ];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(IptablesServices);
    const { filename: file, namespace, backend } = flags;
    const families = [...(flags.ipv6 ? [] : ['ipv4' as const]), ...(flags.ipv4 ? [] : ['ipv6' as const])];
    const services = await listServices({ file, families, backend, netns: this.netns.netns?.path, namespace, name: args.name, noEndpoints: flags['no-endpoints'] });
    await this.printTable(services, servicesView);
  }
}
