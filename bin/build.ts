/**
 * The build: `node bin/build.ts`.
 *
 *   bpf/<what>.bpf.c   clang      dist/bpf/<what>.bpf.o
 *   src/commands       registry   dist/registry.ts       metadata and loaders of all commands
 *   src/main.ts        esbuild    dist/sluice.js         what bin/start.cjs loads, with dist/chunks for what is loaded later
 *                                 dist/.cache            compiled code
 *
 * Only what is older than its sources is made again, and everything is written to the side and renamed, so that a
 * program or a second build that runs meanwhile sees whole files.
 */

import { execFileSync, spawnSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, readdirSync, renameSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { build as bundle } from 'esbuild';
import { commonjsNames, lateCodecs, oclifStubs } from './esbuild-plugins.ts';
import { loadCommands, registrySource, type BuildFacts } from './registry.ts';

const ROOT = dirname(import.meta.dirname);
const DIST = join(ROOT, 'dist');
const BUNDLE = join(DIST, 'sluice.js');
const CHUNKS = join(DIST, 'chunks');
const REGISTRY = join(DIST, 'registry.ts');

/** Newest first among numbered ones; Debian names the version that it stands behind plain `clang`. */
const CLANGS = ['clang', 'clang-19', 'clang-18', 'clang-17', 'clang-16', 'clang-15', 'clang-14'];

/** Builds all there is. @throws Error with the tool's own words. */
export async function build(): Promise<void> {
  buildBpf();
  await buildBundle();
}

/** Compiles every object of `bpf/` that is older than its sources. @throws Error when there is no clang or it refuses. */
export function buildBpf(): void {
  const sources = listFiles(join(ROOT, 'bpf'), '.bpf.c');
  const headers = listFiles(join(ROOT, 'bpf/include'), '.h');
  mkdirSync(join(DIST, 'bpf'), { recursive: true });
  for (const source of sources) {
    const object = join(DIST, 'bpf', basename(source).replace(/\.c$/, '.o'));
    if (!isCurrent(object, [source, ...headers])) compile(source, object);
  }
}

function compile(source: string, object: string): void {
  const made = beside(object);
  execFileSync(findClang(), [
    '-target', 'bpf', '-mcpu=v3', '-O2', '-g', '-Wall', '-Werror', ...systemHeaders(), '-c', source, '-o', made,
  ], { stdio: 'inherit' });
  // Drops DWARF, which only the compiler's own debuggers read; BTF stays.
  if (spawnSync('llvm-strip', ['-g', made], { stdio: 'ignore' }).error !== undefined) {
    throw new Error('llvm-strip is missing: run bin/setup');
  }
  renameSync(made, object);
}

function findClang(): string {
  const found = CLANGS.find((name) => spawnSync(name, ['--version'], { stdio: 'ignore' }).status === 0);
  if (found === undefined) throw new Error('clang is missing: run bin/setup');
  return found;
}

/** With `-target bpf` clang does not look where Debian keeps <asm/*.h> of the machine. */
function systemHeaders(): string[] {
  const machine = { x64: 'x86_64', arm64: 'aarch64' }[process.arch as string] ?? process.arch;
  return [`-I/usr/include/${machine}-linux-gnu`];
}

/** CommonJS packages expect these names; an ES module has to make them. */
const COMMONJS_NAMES = `import { createRequire as makeRequire } from 'node:module';
const require = makeRequire(import.meta.url), __filename = import.meta.filename, __dirname = import.meta.dirname;`;

async function buildBundle(): Promise<void> {
  const started = new Date();
  const facts = readFacts();
  const sources = [join(ROOT, 'src'), join(ROOT, 'bin'), join(ROOT, 'package-lock.json')].flatMap(listTree);
  if (isCurrent(BUNDLE, sources) && existsSync(REGISTRY) && readFileSync(REGISTRY, 'utf8').includes(`pjson = ${JSON.stringify(facts)};`)) return;
  write(REGISTRY, await registrySource(await loadCommands(join(ROOT, 'src/commands')), facts, DIST));
  // Split into chunks a start reads only what its command needs: 12 ms for `version` and 7 for others, against one file.
  const { outputFiles } = await bundle({
    entryPoints: { sluice: join(ROOT, 'src/main.ts') },
    outdir: DIST,
    chunkNames: 'chunks/[name]-[hash]',
    bundle: true,
    splitting: true,
    write: false,
    platform: 'node',
    format: 'esm',
    target: 'node22',
    // Native code cannot be bundled: koffi is found in node_modules.
    external: ['koffi'],
    plugins: [oclifStubs, commonjsNames, lateCodecs],
    banner: { js: COMMONJS_NAMES },
    logLevel: 'warning',
    legalComments: 'none',
  });
  // The entry, which names the chunks, comes last. It carries the time of its sources, not that of the end of the build.
  const entryLast = outputFiles.toSorted((a, b) => Number(a.path === BUNDLE) - Number(b.path === BUNDLE));
  for (const { path, contents } of entryLast) write(path, contents);
  utimesSync(BUNDLE, started, started);
  removeOldChunks(outputFiles.map(({ path }) => basename(path)));
  fillCache();
}

/** Chunks of earlier builds, but not of the last hour: a program that was started before may still load one. */
function removeOldChunks(current: readonly string[]): void {
  const hourAgo = Date.now() - 3_600_000;
  const old = readdirSync(CHUNKS).map((name) => join(CHUNKS, name)).filter((path) => !current.includes(basename(path)) && statSync(path).mtimeMs < hourAgo);
  old.forEach((path) => rmSync(path));
}

/** Runs the bundle once, so that the first user's start is already fast. The cache belongs to whoever builds. */
function fillCache(): void {
  const cache = join(DIST, '.cache');
  rmSync(cache, { recursive: true, force: true });
  mkdirSync(cache, { recursive: true });
  chmodSync(cache, 0o755);
  try {
    execFileSync(process.execPath, [join(ROOT, 'bin/start.cjs'), 'help'], { stdio: ['ignore', 'ignore', 'inherit'] });
  } catch (error) {
    // A bundle that does not start must not count as built.
    rmSync(BUNDLE);
    throw error;
  }
}

function readFacts(): BuildFacts {
  const { name, version } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as BuildFacts;
  const git = spawnSync('git', ['-C', ROOT, 'describe', '--always', '--dirty', '--abbrev=12', '--exclude=*'], { encoding: 'utf8' });
  return git.status === 0 ? { name, version, commit: git.stdout.trim() } : { name, version };
}

/** Whether `target` was made after the last change of all `sources`. */
const isCurrent = (target: string, sources: readonly string[]): boolean =>
  existsSync(target) && sources.every((source) => statSync(source).mtimeMs < statSync(target).mtimeMs);

/** A path and, for a folder, everything below; folders themselves change when a file in them is removed. */
const listTree = (path: string): string[] =>
  statSync(path).isDirectory() ? [path, ...readdirSync(path, { recursive: true, encoding: 'utf8' }).map((name) => join(path, name))] : [path];

const listFiles = (folder: string, ending: string): string[] =>
  readdirSync(folder).filter((name) => name.endsWith(ending)).map((name) => join(folder, name));

const beside = (path: string): string => `${path}.${process.pid}.tmp`;

function write(path: string, text: string | Uint8Array): void {
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(beside(path), text);
  renameSync(beside(path), path);
}

if (import.meta.main) await build();
