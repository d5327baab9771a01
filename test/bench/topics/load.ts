/** How long an object takes to load and pin, beside bpftool on the same file: whole commands, and the loader alone. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadObject } from '../../../src/kernel/bpf/index.ts';
import { sluiceCommand, tempState } from '../../support/sluice.ts';
import { figure, formatTable } from '../table.ts';
import { timeCommands, timingTable, type Timing } from '../timing.ts';
import type { Bench, Say } from '../topic.ts';

const TURNS = 15;
/** Small, with types of the kernel, with many programs, and with many maps. */
const OBJECTS = ['tail-calls', 'core', 'maps', 'sections', 'map-types'];

export const bench: Bench = async ({ say }) => {
  const state = tempState();
  try {
    const objects = OBJECTS.map((name) => compile(name, state.root));
    const commands = await timeWholeCommands(say, objects, state.env);
    return { commands, loader: timeLoader(say, objects) };
  } finally {
    state.close();
  }
};

interface BenchObject {
  name: string;
  path: string;
}

function compile(name: string, folder: string): BenchObject {
  const source = join(dirname(dirname(import.meta.dirname)), 'fixtures/bpf', `${name}.bpf.c`);
  const path = join(folder, `${name}.bpf.o`);
  execFileSync('clang', ['-target', 'bpf', '-O2', '-g', `-I/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`, '-c', source, '-o', path]);
  return { name, path };
}

/** Verified and let go, as bpftool has no way to: it pins, each turn in a folder of its own, which goes with the file system. */
async function timeWholeCommands(say: Say, objects: readonly BenchObject[], env: Readonly<Record<string, string>>): Promise<Record<string, Timing[]>> {
  const results: Record<string, Timing[]> = {};
  for (const { name, path } of objects) {
    const loadall = ['sh', '-c', 'exec bpftool prog loadall "$1" "$2-$$"', 'sh', path, join(env['SLUICE_BPFFS']!, name)];
    results[name] = await timeCommands([
      { name: 'bpftool prog loadall', argv: loadall },
      { name: 'sluice --dry-run=client', argv: sluiceCommand(['bpf', 'prog', 'load', path, '--dry-run=client']), env },
      { name: 'sluice --dry-run=kernel', argv: sluiceCommand(['bpf', 'prog', 'load', path, '--dry-run=kernel']), env },
    ], TURNS);
    say(`\n${name}: whole commands\n${timingTable(results[name])}`);
  }
  return results;
}

interface LoaderTime {
  object: string;
  programs: number;
  /** The first load of the process reads the kernel's types; then the median of the others. */
  firstMs: number;
  medianMs: number;
}

function timeLoader(say: Say, objects: readonly BenchObject[]): LoaderTime[] {
  const times: LoaderTime[] = [];
  for (const { name, path } of objects) {
    const bytes = readFileSync(path);
    const runs = Array.from({ length: TURNS }, () => {
      const start = performance.now();
      const object = loadObject(bytes, name, { allMaps: true });
      const ms = performance.now() - start;
      object.close();
      return { ms, programs: object.programs.length };
    });
    const sorted = runs.map(({ ms }) => ms).sort((a, b) => a - b);
    times.push({ object: name, programs: runs[0]!.programs, firstMs: runs[0]!.ms, medianMs: sorted[Math.floor(TURNS / 2)]! });
  }
  say(`\nThe loader alone, inside a process: read, relocated, maps made, verified\n${formatTable(['OBJECT', 'PROGRAMS', 'first ms', 'median ms'], times.map(({ object, programs, firstMs, medianMs }) => [object, String(programs), figure(firstMs), figure(medianMs)]))}`);
  return times;
}
