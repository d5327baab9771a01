/**
 * Where every command line starts: fast answers first, then oclif's parser for the command that the words name.
 *
 * Loading oclif costs more than answering `version` or a completion, so those come before it.
 */

import { commands, loaders, pjson } from '#registry';
import type { NameSource } from './cli/complete.ts';
import { resolveWords } from './cli/words.ts';

async function main(argv: readonly string[]): Promise<void> {
  process.stdout.on('error', exitOnBrokenPipe);
  process.on('SIGINT', () => process.exit(130));
  if (argv[0] === '__complete') return await (await import('./cli/complete.ts')).complete(argv.slice(1), commands, nameObjects);
  if (argv.length === 1 && (argv[0] === '--version' || argv[0] === 'version')) return void process.stdout.write(`sluice ${pjson.version}\n`);
  const { id, rest } = resolveWords(argv, commands);
  if (id === undefined || wantsHelp(rest)) return (await import('./cli/help.ts')).showHelp(id, rest, commands);
  await runCommand(id, rest);
}

/** Only words that name an object cost the loading of what asks the kernel. */
const nameObjects: NameSource = async (kind) => (await import('./completion.ts')).nameObjects(kind);

async function runCommand(id: string, argv: readonly string[]): Promise<void> {
  await wire();
  const { Config } = await import('./cli/oclif.ts');
  const { default: CommandClass } = await loaders[id]!();
  const config = await Config.load({ root: import.meta.dirname, pjson: PACKAGE, plugins: new Map([[pjson.name, rootPlugin()]]) } as never);
  CommandClass.id = id;
  const Concrete = CommandClass as unknown as new (argv: string[], config: unknown) => { _run(): Promise<unknown> };
  await new Concrete([...argv], config)._run();
}

const PACKAGE = { ...pjson, oclif: {} };

/** oclif wants a plugin to start from; ours holds nothing to scan, because commands are found and loaded above. */
const rootPlugin = (): object => ({
  name: pjson.name, alias: pjson.name, version: pjson.version, root: import.meta.dirname, pjson: PACKAGE, type: 'core', valid: true, isRoot: true,
  moduleType: 'module', hooks: {}, topics: [], hasManifest: true, options: {}, commandIDs: [], commands: [], manifest: { version: pjson.version, commands: {} },
});

/** What the command line knows nothing about but shows or passes on. */
async function wire(): Promise<void> {
  const [{ wiring }, { onCommand }, { resolveNetns }] = await Promise.all([
    import('./cli/command.ts'), import('./tools/index.ts'), import('./kernel/netns/index.ts'),
  ]);
  wiring.onNativeCommand = onCommand;
  wiring.resolveNetns = resolveNetns;
}

const wantsHelp = (words: readonly string[]): boolean => {
  const end = words.indexOf('--');
  return (end < 0 ? words : words.slice(0, end)).some((word) => word === '--help' || word === '-h');
};

/** `sluice … | head` ends quietly, with the code of SIGPIPE. */
function exitOnBrokenPipe(error: NodeJS.ErrnoException): void {
  if (error.code === 'EPIPE') process.exit(141);
  throw error;
}

main(process.argv.slice(2)).catch(async (error: unknown) => {
  const { reportError } = await import('./cli/report-error.ts');
  const argv = process.argv;
  process.exitCode = reportError(error, { json: argv.includes('--json'), debug: argv.includes('--debug'), color: false });
});
