import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { makePlan } from '../../domain/migrate/index.ts';
import { planView } from '../../views/migrate.ts';

/** `sluice migrate plan` */
export default class MigratePlan extends SluiceCommand {
  static override summary = 'Work out how the filter table moves to eBPF, and write a plan';
  static override description = `Reads the live filter table, or a dump with -f, and says for every rule whether eBPF decides it (exact), the kernel
still runs it and eBPF only decides when (native), or it cannot move (unsupported, exit code 6). Nothing is changed.
The plan file holds the rules, the decisions and the digest of the compiled image; apply refuses it when the rules changed.`;
  static override flags = {
    filename: Flags.string({ char: 'f', helpValue: 'FILE|-', summary: 'Plan for an iptables-save dump instead of the live rules' }),
    out: Flags.string({ helpValue: 'FILE', summary: 'Write the plan to this file' }),
    to: Flags.string({ options: ['ebpf'], default: 'ebpf', summary: 'Where to move' }),
    counters: Flags.string({ options: ['exact', 'verdict'], default: 'exact', summary: 'Count for every rule, or decide only (a smaller map)' }),
    'keep-in-iptables': Flags.string({ helpValue: 'CHAIN,…', summary: 'Leave these chains in iptables as they are' }),
    backend: Flags.string({ options: ['legacy', 'nft'], summary: 'Migrate this backend only' }),
    ipv4: Flags.boolean({ char: '4' as never, exclusive: ['ipv6'], summary: 'IPv4 only' }),
    ipv6: Flags.boolean({ char: '6' as never, exclusive: ['ipv4'], summary: 'IPv6 only' }),
  };
  static override examples = [
    '<%= config.bin %> migrate plan --out fw.plan',
    '<%= config.bin %> migrate plan -f rules.v4 --counters verdict',
    '<%= config.bin %> migrate plan --keep-in-iptables DOCKER-USER --out fw.plan -o json',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(MigratePlan);
    this.progress.step('planning');
    const report = await makePlan({
      ...this.netns,
      counters: flags.counters as 'exact' | 'verdict',
      keep: flags['keep-in-iptables']?.split(',') ?? [],
      ...(flags.filename === undefined ? {} : { file: flags.filename }),
      ...(flags.out === undefined ? {} : { out: flags.out }),
      ...(flags.backend === undefined ? {} : { backend: flags.backend as 'legacy' | 'nft' }),
      ...(flags.ipv4 ? { families: ['ipv4'] } : flags.ipv6 ? { families: ['ipv6'] } : {}),
    });
    await this.printCard(report, planView, { complete: true, warnings: report.warnings });
  }
}
