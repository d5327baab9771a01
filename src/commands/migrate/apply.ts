import { Flags } from '@oclif/core';
import { argument } from '../../cli/flags.ts';
import { ChangeCommand } from '../../cli/command.ts';
import { confirmWindow } from '../../domain/changes/index.ts';
import { applyPlan } from '../../domain/migrate/index.ts';
import { parseDuration } from '../../lib/duration.ts';
import { appliedView } from '../../views/migrate.ts';

/** `sluice migrate apply PLAN` */
export default class MigrateApply extends ChangeCommand {
  static override summary = 'Put a plan into force, with a snapshot and a way back';
  static override description = `Loads the image, proves the bytes in the kernel equal to the rules, writes a snapshot and a revert script that needs
neither sluice nor Node, arms the timer, and switches so that no packet goes unjudged. A second plan on the same node replaces
the rules of the first by one update of a map.`;
  static override args = { plan: argument({ description: 'plan file', required: true }) };
  static override flags = {
    'confirm-within': Flags.string({ helpValue: 'DURATION', summary: 'Revert unless confirmed within this time (default 2m over SSH)' }),
    'dry-run': Flags.string({ options: ['none', 'client', 'kernel', 'server'], default: 'none', helpValue: 'client|kernel', summary: 'client: check the plan; kernel: also load and prove it, then let go' }),
    force: Flags.boolean({ summary: 'Apply even if the own SSH session would be cut' }),
  };
  static override examples = [
    '<%= config.bin %> migrate apply fw.plan --confirm-within 2m',
    '<%= config.bin %> migrate apply fw.plan --dry-run=kernel',
    '<%= config.bin %> migrate apply fw.plan --netns lab1 -o json',
  ];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(MigrateApply);
    const ssh = process.env['SSH_CONNECTION'];
    const requested = flags['confirm-within'];
    const window = confirmWindow({
      stdinIsTerminal: process.stdin.isTTY,
      ...(requested === undefined ? {} : { requestedMs: parseDuration(requested) }),
      ...(ssh === undefined ? {} : { sshConnection: ssh }),
    }, true);
    const applied = await applyPlan({
      plan: args.plan!, argv: ['sluice', 'migrate', 'apply', ...this.argv], force: flags.force,
      progress: (what) => this.progress.step(what),
      ...this.netns, ...this.dryRun(flags['dry-run']),
      ...(ssh === undefined ? {} : { sshConnection: ssh }),
      ...(window === undefined ? {} : { confirmWithinMs: window }),
    });
    await this.printCard(applied, appliedView);
  }
}
