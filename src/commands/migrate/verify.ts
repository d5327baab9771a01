import { Flags } from '@oclif/core';
import { argument } from '../../cli/flags.ts';
import { SluiceCommand } from '../../cli/command.ts';
import { verifyPlan } from '../../domain/migrate/index.ts';
import { verifyView } from '../../views/migrate.ts';

/** `sluice migrate verify PLAN` */
export default class MigrateVerify extends SluiceCommand {
  static override summary = 'Prove a plan, and run packets through it and through the real iptables';
  static override description = `Loads the image, reads it back from the kernel, and proves it equal to the rules for every packet, or shows one that
tells them apart. Then packets from every region of the rules and both sides of every boundary run through the engine
(BPF_PROG_TEST_RUN) and, in namespaces made for the purpose, through the real iptables with the engine looking on:
verdicts and counters must agree. The node itself is not touched. Exit code 0: same; 1: different.`;
  static override args = { plan: argument({ description: 'plan file', required: true }) };
  static override flags = {
    packets: Flags.integer({ default: 5000, min: 1, helpValue: 'N', summary: 'Packets for each hook and way of running' }),
    seed: Flags.integer({ min: 0, helpValue: 'N', summary: 'Seed of what is drawn at random; printed with the result' }),
  };
  static override examples = ['<%= config.bin %> migrate verify fw.plan', '<%= config.bin %> migrate verify fw.plan --packets 50000 --seed 7 -o json'];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(MigrateVerify);
    const seed = flags.seed ?? Math.floor(Math.random() * 2 ** 32);
    const report = await verifyPlan({ plan: args['plan']!, packets: flags.packets, seed, progress: (what) => this.progress.step(what) });
    await this.printCard(report, verifyView);
    this.answer(report.equal);
  }
}
