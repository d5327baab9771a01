import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { generateTraffic } from '../../domain/lab/index.ts';
import { trafficView } from '../../views/lab.ts';

/** `sluice lab traffic`: what the demo and the tests send. */
export default class LabTraffic extends SluiceCommand {
  static override summary = 'Send numbered requests to a pod and count what comes back; started by lab demo';
  static override hidden = true;
  static override flags = {
    host: Flags.string({ required: true, helpValue: 'ADDRESS', summary: 'Pod or node to send to' }),
    'udp-port': Flags.integer({ default: 5353, summary: 'Port of the UDP echo' }),
    'tcp-port': Flags.integer({ default: 8080, summary: 'Port of the TCP server' }),
    'denied-port': Flags.integer({ default: 9, summary: 'UDP port that the rules deny' }),
    seconds: Flags.integer({ default: 5, summary: 'How long' }),
    rate: Flags.integer({ default: 1000, summary: 'UDP requests a second' }),
  };
  static override examples = ['<%= config.bin %> lab traffic --host 10.244.1.1 -o json'];

  async run(): Promise<void> {
    const { flags } = await this.parse(LabTraffic);
    const { host, seconds, rate } = flags;
    await this.printCard(await generateTraffic({ host, seconds, rate, udpPort: flags['udp-port'], tcpPort: flags['tcp-port'], deniedPort: flags['denied-port'] }), trafficView);
  }
}
