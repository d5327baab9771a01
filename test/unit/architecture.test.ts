import { dirname } from 'node:path';
import { expect, test } from 'vitest';
import { judgeImport, judgeTree, judgeWords, readImports, sourceFiles } from '../support/layers.ts';

const ROOT = dirname(dirname(import.meta.dirname));

test('imports point down, enter packages by their index.ts, and dangerous things have one owner', () => {
  expect(sourceFiles(ROOT).length).toBeGreaterThan(50);
  expect(judgeTree(ROOT)).toEqual([]);
});

test('imports of every form are seen', () => {
  const text = `import a, { b } from '../x.ts';
import type { C } from './c.ts';
import {
  d,
} from 'd';
export { e } from '../../lib/e.ts';
const f = await import('./f.ts');
type G = typeof import('g');
const h = require('h');
import 'i';
`;
  expect(readImports('src/cli/print/table.ts', text).sort((a, b) => a.line - b.line).map(({ line, target, typeOnly }) => [line, target, typeOnly])).toEqual([
    [1, 'src/cli/x.ts', false],
    [2, 'src/cli/print/c.ts', true],
    [5, 'd', false],
    [6, 'src/lib/e.ts', false],
    [7, 'src/cli/print/f.ts', false],
    [8, 'g', true],
    [9, 'h', false],
    [10, 'i', false],
  ]);
});

test.each([
  ['src/commands/a.ts', 'src/domain/netfilter/index.ts'],
  ['src/commands/a.ts', 'src/cli/command.ts'],
  ['src/commands/a.ts', '@oclif/core'],
  ['src/domain/migrate/plan.ts', 'src/domain/netfilter/index.ts'],
  ['src/domain/migrate/plan.ts', 'src/domain/migrate/report.ts'],
  ['src/domain/migrate/engine/apply.ts', 'src/kernel/bpf/index.ts'],
  ['src/kernel/bpf/map.ts', 'src/kernel/syscalls/index.ts'],
  ['src/tools/ip.ts', 'src/tools/run.ts'],
  ['src/tools/run.ts', 'execa'],
  ['src/views/rules.ts', 'src/cli/view.ts'],
  ['src/lib/ip.ts', 'src/lib/errors.ts'],
  ['src/lib/ip.ts', 'node:net'],
])('%s may import %s', (file, target) => {
  expect(judgeImport({ file, line: 1, target, typeOnly: false })).toBeUndefined();
});

test.each([
  ['src/commands/a.ts', 'src/kernel/bpf/index.ts', 'commands may import only cli, views, domain, lib'],
  ['src/commands/a.ts', 'src/domain/netfilter/model.ts', 'enter the package through domain/netfilter/index.ts'],
  ['src/commands/a.ts', 'ora', 'only src/cli/ may'],
  ['src/cli/a.ts', 'src/domain/netfilter/index.ts', 'cli may import only lib'],
  ['src/views/a.ts', 'src/domain/netfilter/index.ts', 'import type'],
  ['src/views/a.ts', 'src/cli/print/table.ts', 'only cli/view.ts'],
  ['src/domain/migrate/plan.ts', 'src/kernel/bpf/index.ts', 'move the effect there'],
  ['src/domain/migrate/apply.ts', 'src/kernel/bpf/map.ts', 'enter the package through kernel/bpf/index.ts'],
  ['src/domain/netfilter/plan.ts', 'src/domain/migrate/index.ts', 'no edge from domain/netfilter to domain/migrate'],
  ['src/domain/migrate/plan.ts', 'src/views/rules.ts', 'domain may import only kernel, tools, lib'],
  ['src/kernel/netns/index.ts', 'src/kernel/bpf/index.ts', 'no edge from kernel/netns to kernel/bpf'],
  ['src/kernel/bpf/map.ts', 'koffi', 'only src/kernel/syscalls/ may'],
  ['src/tools/ip.ts', 'node:child_process', 'only src/tools/run.ts may'],
  ['src/lib/ip.ts', 'src/cli/view.ts', 'lib may import only nothing'],
])('%s may not import %s', (file, target, fault) => {
  expect(judgeImport({ file, line: 7, target, typeOnly: false })).toMatch(new RegExp(`^${file}:7 imports .*${fault}`));
});

test('process.exit and console are found, but not in comments', () => {
  const text = "/** never console.log */\nprocess.exit(1); // console.log\nconsole.error('x');\n";
  expect(judgeWords('src/domain/a.ts', text).map((line) => line.split(':').slice(0, 2).join(':'))).toEqual([
    'src/domain/a.ts:2 uses process.exit',
    'src/domain/a.ts:3 uses console',
  ]);
  expect(judgeWords('src/cli/a.ts', 'process.exit(1);')).toEqual([]);
});
