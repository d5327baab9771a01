/** The import rule of sluice, as data and one function that judges an import by it. */

import { readdirSync, readFileSync } from 'node:fs';
import { join, posix } from 'node:path';

/** One import in one file of `src`; paths are relative to the root of the tree. */
export interface Import {
  file: string;
  line: number;
  /** A path such as `src/lib/ip.ts`, or the name of a package. */
  target: string;
  /** Takes types only, so nothing of the target runs. */
  typeOnly: boolean;
}

const LAYERS = ['commands', 'cli', 'views', 'domain', 'kernel', 'tools', 'lib'] as const;
type Layer = (typeof LAYERS)[number] | 'main';

/** What each layer may import beside itself. */
const MAY_IMPORT: Readonly<Record<Layer, readonly Layer[]>> = {
  main: ['cli', 'domain', 'kernel', 'tools', 'lib'],
  commands: ['cli', 'views', 'domain', 'lib'],
  cli: ['lib'],
  views: ['domain', 'cli', 'lib'],
  domain: ['kernel', 'tools', 'lib'],
  kernel: ['lib'],
  tools: ['lib'],
  lib: [],
};

/** Packages of domain and kernel that may import others of their layer. */
const EDGES: Readonly<Record<string, readonly string[]>> = {
  'domain/classifier': ['domain/netfilter'],
  'domain/migrate': ['domain/netfilter', 'domain/classifier', 'domain/changes'],
  'domain/lab': ['domain/netfilter', 'domain/vxlan'],
  'domain/programs': ['domain/bpf', 'domain/changes'],
  'domain/maps': ['domain/bpf'],
  'domain/btf': ['domain/bpf'],
  'domain/compile': [],
  'domain/links': [],
  'domain/mtu': ['domain/links'],
  'domain/vxlan': ['domain/links', 'domain/mtu', 'domain/changes', 'domain/netfilter'],
  'kernel/bpf': ['kernel/syscalls', 'kernel/elf', 'kernel/btf', 'kernel/netns', 'kernel/uapi'],
  'kernel/tracefs': ['kernel/syscalls'],
  'kernel/ethtool': ['kernel/syscalls', 'kernel/netns', 'kernel/uapi'],
  'kernel/netlink': ['kernel/syscalls', 'kernel/netns', 'kernel/uapi'],
  'kernel/netns': ['kernel/syscalls', 'kernel/uapi'],
  'kernel/perf': ['kernel/syscalls'],
  'kernel/syscalls': ['kernel/uapi'],
};

/** The only files of domain that touch the machine. */
const EFFECT_FILES = ['inspect.ts', 'apply.ts', 'watch.ts'];

/** Folders of domain whose every file may touch the machine, each with its reason. */
const EFFECT_FOLDERS: readonly string[] = [];

/** Entries of packages beside their index.ts, each with its reason. */
const SIDE_ENTRIES: readonly string[] = [
  // The reference judges the classifier, so it stands apart from it and nothing reaches it by accident.
  'src/domain/classifier/reference/index.ts',
];

/** Who alone may import a dangerous package; a path ending in `/` is a folder. */
const OWNERS: Readonly<Record<string, readonly string[]>> = {
  koffi: ['src/kernel/syscalls/'],
  netlink: ['src/kernel/netlink/'],
  execa: ['src/tools/run.ts'],
  'node:child_process': ['src/tools/run.ts'],
  child_process: ['src/tools/run.ts'],
  '@oclif/core': ['src/cli/', 'src/commands/', 'src/main.ts'],
  inquirer: ['src/cli/'],
  ora: ['src/cli/'],
  'cli-table3': ['src/cli/'],
};

/** Words in code that only some files may use. */
const WORDS: readonly { word: RegExp; name: string; owners: readonly string[]; instead: string }[] = [
  { word: /\bprocess\.exit\(/, name: 'process.exit', owners: ['src/cli/', 'src/main.ts'], instead: 'throw a SluiceError; cli chooses the exit code' },
  { word: /\bconsole\./, name: 'console', owners: [], instead: 'return the result and let a command print it' },
];

/** Every TypeScript file below `src`. */
export function sourceFiles(root: string): string[] {
  return readdirSync(join(root, 'src'), { recursive: true, encoding: 'utf8' })
    .filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts'))
    .map((name) => posix.join('src', name));
}

/** The imports of a file, `import()` and `require()` included. */
export function readImports(file: string, text: string): Import[] {
  const patterns = [/^\s*(?:import|export)(\s+type)?\b[^'";]*?\bfrom\s*'([^']+)'/gm, /^\s*import(\s+type)?\s*'([^']+)'/gm, /(typeof\s+)?\b(?:import|require)\(\s*'([^']+)'/g];
  return patterns.flatMap((pattern) =>
    [...text.matchAll(pattern)].map((match) => ({
      file,
      line: text.slice(0, match.index + match[0].length).split('\n').length,
      target: resolve(file, match[2]!),
      typeOnly: match[1] !== undefined,
    })));
}

const resolve = (file: string, name: string): string => (name.startsWith('.') ? posix.join(posix.dirname(file), name) : name);

/** What is wrong with an import and what to do; undefined when nothing is. */
export function judgeImport(one: Import): string | undefined {
  const fault = one.target.startsWith('src/') ? judgeOwn(one) : judgePackage(one);
  return fault === undefined ? undefined : `${one.file}:${one.line} imports ${one.target}: ${fault}`;
}

function judgePackage({ file, target, typeOnly }: Import): string | undefined {
  const owners = Object.entries(OWNERS).find(([name]) => target === name || target.startsWith(`${name}/`))?.[1];
  return owners === undefined || typeOnly || isOwner(owners, file) ? undefined : `only ${owners.join(', ')} may`;
}

function judgeOwn({ file, target, typeOnly }: Import): string | undefined {
  const [from, to] = [layerOf(file), layerOf(target)];
  if (from !== to && !MAY_IMPORT[from].includes(to)) return `${from} may import only ${MAY_IMPORT[from].join(', ') || 'nothing'}`;
  if (from !== to) return judgeDescent(file, target, from, to, typeOnly);
  return judgeNeighbour(packageOf(file), packageOf(target), target);
}

/** An import from one layer to another that is allowed to. */
function judgeDescent(file: string, target: string, from: Layer, to: Layer, typeOnly: boolean): string | undefined {
  if (from === 'views' && to === 'cli' && target !== 'src/cli/view.ts') return 'views may import only cli/view.ts of cli';
  if (from === 'views' && to === 'domain' && !typeOnly) return 'views take only types from domain: write `import type`';
  if (from === 'domain' && to !== 'lib' && !typeOnly && !mayTouchMachine(file)) {
    return `only ${EFFECT_FILES.join(', ')} may touch the machine: move the effect there`;
  }
  return isHidden(target) ? `enter the package through ${packageOf(target)}/index.ts` : undefined;
}

/** An import inside one layer. */
function judgeNeighbour(from: string, to: string, target: string): string | undefined {
  if (from === to) return undefined;
  if (EDGES[from]?.includes(to) !== true) return `there is no edge from ${from} to ${to}: see EDGES in test/support/layers.ts`;
  return isHidden(target) ? `enter the package through ${to}/index.ts` : undefined;
}

/** Whether a file is inside a package of domain or kernel without being an entry. */
const isHidden = (target: string): boolean =>
  /^src\/(domain|kernel)\//.test(target) && target !== `src/${packageOf(target)}/index.ts` && !SIDE_ENTRIES.includes(target);

const mayTouchMachine = (file: string): boolean =>
  EFFECT_FILES.includes(posix.basename(file)) || EFFECT_FOLDERS.some((folder) => file.startsWith(folder));

const isOwner = (owners: readonly string[], file: string): boolean =>
  owners.some((owner) => (owner.endsWith('/') ? file.startsWith(owner) : file === owner));

function layerOf(path: string): Layer {
  return LAYERS.find((layer) => path.startsWith(`src/${layer}/`)) ?? 'main';
}

/** `domain/netfilter` for a file of domain or kernel, else the layer. */
function packageOf(path: string): string {
  const [, layer = '', name = ''] = path.split('/');
  return layer === 'domain' || layer === 'kernel' ? `${layer}/${name}` : layerOf(path);
}

/** One line for each word that a file may not use; comments do not count. */
export function judgeWords(file: string, text: string): string[] {
  const lines = text.replace(/\/\*[\s\S]*?\*\//g, (comment) => comment.replace(/[^\n]/g, ' ')).split('\n').map((line) => line.replace(/(^|\s)\/\/.*/, ''));
  return WORDS.filter(({ owners }) => !isOwner(owners, file)).flatMap(({ word, name, instead }) =>
    lines.flatMap((line, index) => (word.test(line) ? [`${file}:${index + 1} uses ${name}: ${instead}`] : [])));
}

/** Everything that is wrong in the tree. */
export function judgeTree(root: string): string[] {
  return sourceFiles(root).flatMap((file) => {
    const text = readFileSync(join(root, file), 'utf8');
    return [...readImports(file, text).map(judgeImport).filter((fault) => fault !== undefined), ...judgeWords(file, text)];
  });
}
