import { SluiceCommand } from '../cli/command.ts';
import { completionScript } from '../cli/completion-script.ts';
import { argument } from '../cli/flags.ts';

/** `sluice completion SHELL` */
export default class Completion extends SluiceCommand {
  static override summary = 'Print a completion script for bash, zsh or fish';
  static override args = { shell: argument({ description: 'bash, zsh or fish', required: true }) };
  static override examples = [
    '<%= config.bin %> completion bash > /etc/bash_completion.d/sluice', 'source <(<%= config.bin %> completion zsh)',
    '<%= config.bin %> completion fish > ~/.config/fish/completions/sluice.fish',
  ];

  async run(): Promise<void> {
    const { args } = await this.parse(Completion);
    process.stdout.write(completionScript(args['shell']!));
  }
}
