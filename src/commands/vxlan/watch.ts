import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { watchTraffic } from '../../domain/vxlan/index.ts';
import { parseDuration } from '../../lib/duration.ts';
import { vxlanTrafficView } from '../../views/vxlan-traffic.ts';

/** `sluice vxlan watch [NAME]` */
export default class VxlanWatch extends SluiceCommand {
  static override summary = 'Show what passes through tunnels each second, by remote: packets, drops, FDB moves';
  static override description =
    'The line of a tunnel has the counters of its device, without outer headers; DROP/S are those that it dropped or counted as errors. The lines of its remotes count outer packets ' +
    'on the device below. REASONS is what the kernel says of packets of the tunnel that it threw away, wherever that was. Ctrl-C ends it with exit code 0.';
  static override args = { tunnel: argument({ description: 'Name of the tunnel device; all of them when absent' }) };
  static override flags = {
    interval: Flags.string({ default: '1s', helpValue: 'DURATION', summary: 'Time between two lines; numbers are for one second all the same' }),
    count: Flags.integer({ min: 1, helpValue: 'N', summary: 'End after N intervals' }),
  };
  static override examples = ['<%= config.bin %> vxlan watch', '<%= config.bin %> vxlan watch vxlan100 --interval 10s', '<%= config.bin %> vxlan watch vxlan100 --count 1 -o json'];

  async run(): Promise<void> {
    const { args, flags } = await this.parse(VxlanWatch);
    const samples = watchTraffic({ name: args.tunnel, ...this.netns, intervalMs: parseDuration(flags.interval), count: flags.count, signal: this.interrupted });
    await this.printLive(samples, vxlanTrafficView);
  }
}
