import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { checkMtu } from '../../domain/mtu/index.ts';
import { mtuCheckView } from '../../views/mtu.ts';

/** `sluice mtu check` */
export default class MtuCheck extends SluiceCommand {
  static override summary = 'Measure what a path really carries, and compare it with links, tunnels and pods';
  static override description = `Sends echo requests that must not be cut, or UDP where those are not answered, and finds the largest that arrives, to the
byte. Compares it with every link on the way, with what carries a tunnel, with the other ends of veths and with the MTUs of pods,
and says which side to change. Without --to it measures to the remote ends of the VXLAN tunnels. Ends with 1 when packets vanish or are cut.`;
  static override flags = { to: Flags.string({ helpValue: 'ADDRESS', summary: 'Measure to this IPv4 or IPv6 address' }) };
  static override examples = [
    '<%= config.bin %> mtu check', '<%= config.bin %> mtu check --to 10.244.2.8', '<%= config.bin %> mtu check --to fd00:244:2::8 --netns pod1 -o json',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(MtuCheck);
    const report = await checkMtu({ ...(flags.to === undefined ? {} : { to: flags.to }), ...this.netns, progress: (what) => this.progress.step(what) });
    await this.printCard(report, mtuCheckView, report);
    this.answer(report.findings.every(({ severity }) => severity !== 'fail'));
  }
}
