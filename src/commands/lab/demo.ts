import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { runDemo } from '../../domain/lab/index.ts';
import { demoText } from '../../views/lab.ts';

/** `sluice lab demo` */
export default class LabDemo extends SluiceCommand {
  static override summary = 'Take a tour: build a lab, migrate its firewall under traffic, roll back, take the lab away';
  static override flags = { firewall: Flags.string({ default: 'office', helpValue: 'small|office|FILE', summary: 'Firewall of every node' }) };
  static override examples = ['<%= config.bin %> lab demo', '<%= config.bin %> lab demo --firewall small'];

  async run(): Promise<void> {
    const { flags } = await this.parse(LabDemo);
    await runDemo({ name: 'demo', firewall: flags.firewall, tell: (step) => void process.stdout.write(demoText(step)) });
  }
}
