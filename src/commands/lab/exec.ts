import { SluiceCommand } from '../../cli/command.ts';
import { argument } from '../../cli/flags.ts';
import { execInLab } from '../../domain/lab/index.ts';

/** `sluice lab exec PLACE -- COMMAND …` */
export default class LabExec extends SluiceCommand {
  static override summary = 'Run a command inside a node, pod or the client of a lab';
  static override strict = false;
  static override args = { node: argument({ description: 'node1, pod1-1, client, or the whole name of a namespace', required: true }) };
  static override examples = ['<%= config.bin %> lab exec node1 -- iptables-legacy -L -n -v', '<%= config.bin %> lab exec client -- bash'];

  async run(): Promise<void> {
    const { args, argv } = await this.parse(LabExec);
    process.exitCode = await execInLab(args['node']!, argv.slice(1).map(String));
  }
}
