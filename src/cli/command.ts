/** How every command behaves: shared flags, output, questions, progress. */

import { Command, type Interfaces } from '@oclif/core';
import { readFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseDuration } from '../lib/duration.ts';
import { OperationError, PermissionError, UsageError } from '../lib/errors.ts';
import { sanitize } from '../lib/text.ts';
import { changeFlags, globalFlags } from './flags.ts';
import { parseOutput, printItem, printListing, printLong, type PrintOptions } from './print/index.ts';
import { writeText } from './print/text.ts';
import { printLive } from './print/live.ts';
import { gather } from './print/long.ts';
import { printStream } from './print/stream.ts';
import { ListWatch } from './print/watch.ts';
import { Progress } from './progress.ts';
import { reportError } from './report-error.ts';
import { ask, type Question } from './prompt.ts';
import type { CardView, Listing, LiveView, LongListing, StreamListing, StreamView, TableView } from './view.ts';

/** What oclif calls FlagOutput and ArgOutput, which it does not export. */
// oxlint-disable-next-line no-explicit-any
type Output = Record<string, any>;

type GlobalFlags = Interfaces.InferredFlags<typeof globalFlags>;

/** Hooks that the entry point sets, since this layer knows neither programs nor namespaces. */
export const wiring: {
  onNativeCommand?: (report: (argv: readonly string[]) => void) => void;
  resolveNetns?: (reference: string) => { path: string; label: string };
} = {};

const WATCH_MS = 1000;

/** Base of all commands. A command parses, makes one domain call, and prints. */
export abstract class SluiceCommand extends Command {
  static override baseFlags = globalFlags;

  #options: PrintOptions | undefined;
  #global: Partial<GlobalFlags> = {};
  #timer: NodeJS.Timeout | undefined;

  protected override async parse<F extends Output, B extends Output, A extends Output>(
    options?: Interfaces.Input<F, B, A>, argv?: string[],
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    for (const flag of Object.values(options?.flags ?? {})) takeOneValue(flag);
    const parsed = await super.parse(options, argv);
    this.#global = parsed.flags as unknown as GlobalFlags;
    this.#options = readPrintOptions(this.#global);
    if (this.#global.timeout !== undefined) this.#armTimeout(this.#global.timeout);
    if (this.#global['show-native'] === true) wiring.onNativeCommand?.((native) => process.stderr.write(`+ ${sanitize(native.join(' '))}\n`));
    return parsed;
  }

  /** The namespace that `--netns` names, for domain calls; an empty object for the own one. */
  protected get netns(): { netns?: { path: string; label: string } } {
    const reference = this.#global.netns;
    return reference === undefined ? {} : { netns: wiring.resolveNetns!(reference) };
  }

  protected async printTable<T>(listing: Listing<T>, view: TableView<T>): Promise<void> {
    this.progress.stop();
    await printListing(listing, view, this.#printing);
  }

  /** Prints a list, and with `watchFlags` goes on until it is interrupted or `--timeout` is over. */
  protected async printList<T>(watch: boolean, read: () => Promise<readonly [Listing<T>, TableView<T>]>): Promise<void> {
    if (!watch) return await this.printTable(...await read());
    for (const output = new ListWatch(this.#printing); ; await sleep(WATCH_MS)) await output.print(...await read());
  }

  /** Like `printList`, for a list that comes in pieces. */
  protected async printLong<T>(watch: boolean, read: () => LongListing<T>, view: TableView<T>): Promise<void> {
    if (watch) return await this.printList(true, async () => [await gather(read()), view]);
    this.progress.stop();
    await printLong(read(), view, this.#printing);
  }

  /** Prints a list as it comes, however long it is; `--limit` and `--sort-by` are up to who makes it. */
  protected async printStream<T>(stream: StreamListing<T>, view: StreamView<T>): Promise<void> {
    this.progress.stop();
    await printStream(stream, view, this.#printing);
  }

  protected async printCard<T>(item: T, view: CardView<T>, metadata?: { complete: boolean; warnings: readonly string[] }): Promise<void> {
    this.progress.stop();
    await printItem(item, view, this.#printing, metadata);
  }

  /** Prints what has no end, item by item, and returns what the source says when it ends. */
  protected async printLive<T, R>(items: AsyncGenerator<T, R, void>, view: LiveView<T>): Promise<R> {
    this.progress.stop();
    return await printLive(items, view, this.#printing);
  }

  /** Says so when the user ends what has no end (Ctrl-C), which is then no failure. */
  protected get interrupted(): AbortSignal {
    const controller = new AbortController();
    process.removeAllListeners('SIGINT').once('SIGINT', () => controller.abort());
    process.once('SIGTERM', () => controller.abort());
    return controller.signal;
  }

  /** Prints text that is not a table: a header, a listing of instructions. */
  protected async printText(pieces: Iterable<string>): Promise<void> {
    this.progress.stop();
    await writeText(pieces);
  }

  /** Ends with 0 for yes and 1 for no, after everything was printed. */
  protected answer(yes: boolean): void {
    process.exitCode = yes ? 0 : 1;
  }

  /** Steps of a longer piece of work, on standard error. */
  protected get progress(): Progress {
    this.#progress ??= new Progress({
      spinner: process.stderr.isTTY && this.#global['no-input'] !== true && this.#global.quiet !== true && process.env['CI'] === undefined && process.env['TERM'] !== 'dumb',
      lines: this.#global.verbose === true,
    });
    return this.#progress;
  }

  #progress: Progress | undefined;

  /** Asks before something is done. @throws UsageError naming --yes where nobody can answer. */
  protected async confirm(question: Omit<Question, 'yes' | 'interactive'>): Promise<void> {
    this.progress.stop();
    await ask({ ...question, yes: this.#global.yes === true, interactive: process.stdin.isTTY && this.#global['no-input'] !== true });
  }

  /** Whether native text is to be printed: no machine format was asked for, by `-o` or by the command's own `--format`. */
  protected wantsText(format: string | undefined): boolean {
    if (format === 'json' || format === 'yaml') this.#options = { ...this.#printing, format };
    return this.#printing.format === 'table' || this.#printing.format === 'wide';
  }

  /** Advice for people, on standard error. */
  protected hint(text: string): void {
    if (this.#global.quiet !== true) process.stderr.write(`${sanitize(text)}\n`);
  }

  protected override async catch(error: Error): Promise<void> {
    this.#progress?.stop();
    const known = usageErrorOf(error) ?? error;
    process.exitCode = reportError(known, {
      json: this.#options?.format === 'json' || this.argv.includes('--json') || this.argv.join(' ').includes('-o json'),
      debug: this.#global.debug === true || this.argv.includes('--debug'),
      color: this.#options?.color === true && process.stderr.isTTY,
    });
  }

  protected override async finally(error: Error | undefined): Promise<void> {
    this.#progress?.stop();
    clearTimeout(this.#timer);
    await super.finally(error);
  }

  get #printing(): PrintOptions {
    if (this.#options === undefined) throw new TypeError('parse() comes before printing');
    return this.#options;
  }

  #armTimeout(text: string): void {
    this.#timer = setTimeout(() => {
      process.exit(reportError(new OperationError(`not finished within ${text}`, { code: 'SL1124', reason: 'timeout' }), { json: this.#options?.format === 'json', debug: false, color: false }));
    }, parseDuration(text));
    this.#timer.unref();
  }
}

/** What the domain needs to know of the one who asks for a change. */
export interface ChangeContext {
  /** The command line that was typed. */
  argv: string[];
  force: boolean;
  netns?: { path: string; label: string };
  dryRun?: 'client' | 'kernel';
  session: { requestedMs?: number; stdinIsTerminal: boolean; sshConnection?: string };
  /** Asks before something is done. @throws UsageError naming --yes where nobody can answer */
  ask(text: string): Promise<void>;
}

/** A flag that may be repeated takes one value each time: else it would swallow the arguments behind it. */
function takeOneValue(flag: { type?: string; multiple?: boolean; multipleNonGreedy?: boolean }): void {
  if (flag.multiple === true) flag.multipleNonGreedy = true;
}

/** Base of commands that change the node. */
export abstract class ChangeCommand extends SluiceCommand {
  static override baseFlags = { ...globalFlags, ...changeFlags } as typeof globalFlags;

  #options: Interfaces.InferredFlags<typeof changeFlags> | undefined;

  protected override async parse<F extends Output, B extends Output, A extends Output>(
    options?: Interfaces.Input<F, B, A>, argv?: string[],
  ): Promise<Interfaces.ParserOutput<F, B, A>> {
    const parsed = await super.parse(options, argv);
    this.#options = parsed.flags as unknown as Interfaces.InferredFlags<typeof changeFlags>;
    return parsed;
  }

  /** What a change is told beside what to do, from the flags that all changes have. */
  protected get changeContext(): ChangeContext {
    if (this.#options === undefined) throw new TypeError('parse() comes before the context');
    const { 'dry-run': dryRun, 'confirm-within': requested, force } = this.#options;
    const ssh = process.env['SSH_CONNECTION'];
    return {
      argv: ['sluice', ...(this.id ?? '').split(':'), ...this.argv], force, ...this.netns, ...this.dryRun(dryRun),
      session: {
        stdinIsTerminal: process.stdin.isTTY,
        ...(requested === undefined ? {} : { requestedMs: parseDuration(requested) }),
        ...(ssh === undefined ? {} : { sshConnection: ssh }),
      },
      ask: (text) => this.confirm({ text, severity: 'moderate' }),
    };
  }

  /** `--dry-run`; `server` is kubectl's word for `kernel`. */
  protected dryRun(value: string): { dryRun?: 'client' | 'kernel' } {
    if (value === 'server') this.hint("--dry-run=server: taken as kernel, which is this node's");
    return value === 'none' ? {} : { dryRun: value === 'client' ? 'client' : 'kernel' };
  }

  /** Asks before others lose what is theirs: the node's name has to be typed. */
  protected readonly askFirst = async (what: readonly string[]): Promise<void> => {
    await this.confirm({ text: `This takes from others: ${sanitize(what.join('; '))}.`, severity: 'severe', word: hostname() });
  };

  protected override async init(): Promise<void> {
    await super.init();
    const dry = this.argv.some((word) => word.startsWith('--dry-run'));
    if (process.env['SLUICE_READONLY'] === '1' && !dry)
      throw new PermissionError('SLUICE_READONLY=1 forbids changes', { code: 'SL1014', hints: ['unset SLUICE_READONLY, or use --dry-run'] });
  }
}

function readPrintOptions(flags: Partial<GlobalFlags>): PrintOptions {
  const config = readConfig();
  const width = process.stdout.isTTY ? process.stdout.columns : undefined;
  return {
    ...parseOutput(flags.json === true ? 'json' : (flags.output ?? config['output'] ?? 'table')),
    headers: flags['no-headers'] !== true,
    quiet: flags.quiet === true,
    color: wantsColor(flags, config),
    ...(flags.columns === undefined ? {} : { columns: flags.columns.split(',') }),
    ...(flags['sort-by'] === undefined ? {} : { sortBy: flags['sort-by'] }),
    ...(flags.limit === undefined ? {} : { limit: flags.limit }),
    ...(width === undefined ? {} : { width }),
  };
}

function wantsColor(flags: Partial<GlobalFlags>, config: Record<string, string>): boolean {
  const wish = flags['no-color'] === true ? 'never' : (flags.color ?? config['color'] ?? 'auto');
  if (wish !== 'auto') return wish === 'always';
  const refused = process.env['NO_COLOR'] !== undefined || process.env['SLUICE_NO_COLOR'] !== undefined || process.env['TERM'] === 'dumb';
  return process.stdout.isTTY && !refused;
}

/** `key: value` lines of the user's or the machine's file; the user's wins. */
function readConfig(): Record<string, string> {
  const config: Record<string, string> = {};
  for (const path of ['/etc/sluice/config.yaml', join(process.env['HOME'] ?? '/root', '.config/sluice/config.yaml')]) {
    try {
      for (const line of readFileSync(path, 'utf8').split('\n')) {
        const match = /^(\w+):\s*(\S+)\s*$/.exec(line);
        if (match !== null) config[match[1]!] = match[2]!;
      }
    } catch {
      // No such file is the usual case.
    }
  }
  return config;
}

/** oclif's own complaints about flags and arguments, in our shape. */
function usageErrorOf(error: Error): UsageError | undefined {
  const fromParser = 'oclif' in error || error.constructor.name.endsWith('Error') && 'parse' in error;
  if (!fromParser) return undefined;
  const [first, ...rest] = error.message.split('\n').filter((line) => line.trim() !== '' && !/^(See more help|The following errors? occurred)/.test(line)).map((line) => line.trim());
  return new UsageError(first ?? 'wrong usage', { causes: rest, hints: ['add --help for the flags and examples'] });
}
