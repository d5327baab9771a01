import { run } from './run.ts';

/** Which program: `ip6?tables-(legacy|nft)`. */
export interface IptablesVariant {
  family: 'ipv4' | 'ipv6';
  backend: 'legacy' | 'nft';
}

export interface RestoreOptions extends IptablesVariant {
  netns?: string;
  /** Take the counters in the text. */
  counters?: boolean;
  /** Keep what the text does not mention. */
  noFlush?: boolean;
  /** Only check the text. */
  test?: boolean;
}

const command = ({ family, backend }: IptablesVariant, verb: string): string =>
  `${family === 'ipv4' ? 'iptables' : 'ip6tables'}-${backend}-${verb}`;

/** Name of the restore program, for scripts. */
export const restoreProgram = (family: IptablesVariant['family'], backend: IptablesVariant['backend']): string =>
  command({ family, backend }, 'restore');

/** Text of `iptables-save -c`. @man iptables-save(8) */
export async function saveText(variant: IptablesVariant & { netns?: string; table?: string }): Promise<string> {
  const table = variant.table === undefined ? [] : ['-t', variant.table];
  const { stdout } = await run([command(variant, 'save'), '-c', ...table], netnsOf(variant));
  return stdout;
}

/** Replaces the tables in `text`, each in one step. @throws ToolError naming the line that was refused. */
export async function restoreTable(text: string, options: RestoreOptions): Promise<void> {
  const flags = [options.counters === true ? '--counters' : '', options.noFlush === true ? '--noflush' : '', options.test === true ? '--test' : ''];
  // Another holder of the xtables lock is waited for; 10 seconds is longer than any restore takes.
  await run([command(options, 'restore'), '--wait', '10', ...flags.filter((flag) => flag !== '')], { ...netnsOf(options), input: text });
}

const netnsOf = ({ netns }: { netns?: string }): { netns?: string } => (netns === undefined ? {} : { netns });
