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

/** What `iptables-save -c` prints; comments in rules need not be UTF-8. @man iptables-save(8) */
export async function saveBytes(variant: IptablesVariant & { netns?: string; table?: string }): Promise<Buffer> {
  const table = variant.table === undefined ? [] : ['-t', variant.table];
  const { stdout } = await run([command(variant, 'save'), '-c', ...table], { ...netnsOf(variant), encoding: 'latin1' });
  return Buffer.from(stdout, 'latin1');
}

/** The same as text, for rules that hold no foreign bytes. */
export const saveText = async (variant: Parameters<typeof saveBytes>[0]): Promise<string> => (await saveBytes(variant)).toString('utf8');

/** Replaces the tables in `text`, each in one step. @throws ToolError naming the line that was refused. */
export async function restoreTable(text: string | Buffer, options: RestoreOptions): Promise<void> {
  const flags = [options.counters === true ? '--counters' : '', options.noFlush === true ? '--noflush' : '', options.test === true ? '--test' : ''];
  // Another holder of the xtables lock is waited for; 10 seconds is longer than any restore takes.
  await run([command(options, 'restore'), '--wait', '10', ...flags.filter((flag) => flag !== '')], { ...netnsOf(options), input: text });
}

const netnsOf = ({ netns }: { netns?: string }): { netns?: string } => (netns === undefined ? {} : { netns });
