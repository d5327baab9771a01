import { release } from 'node:os';
import { SluiceCommand } from '../cli/command.ts';
import { versionView } from '../views/version.ts';

/** `sluice version` with flags; without any it is answered before this is loaded. */
export default class Version extends SluiceCommand {
  static override summary = 'Show the versions of sluice, Node and the kernel';
  static override examples = ['<%= config.bin %> version', '<%= config.bin %> version -o json'];

  async run(): Promise<void> {
    await this.parse(Version);
    const { version, commit } = this.config.pjson as { version: string; commit?: string };
    await this.printCard({ version, commit, node: process.versions.node, kernel: release() }, versionView);
  }
}
