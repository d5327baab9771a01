/** Types of the kernel and code of programs as text, beside bpftool: whole commands, whose output is the same or means the same. */

import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { loadObject } from '../../../src/kernel/bpf/index.ts';
import { Btf, dumpC, KERNEL_BTF } from '../../../src/kernel/btf/index.ts';
import { sluiceCommand, tempState } from '../../support/sluice.ts';
import { figure } from '../table.ts';
import { timeCommands, timingTable, type Timing } from '../timing.ts';
import type { Bench } from '../topic.ts';

const TURNS = 11;

export const bench: Bench = async ({ say }) => {
  const types = await timeCommands([
    { name: 'bpftool btf dump file vmlinux format c', argv: ['bpftool', 'btf', 'dump', 'file', KERNEL_BTF, 'format', 'c'] },
    { name: 'sluice bpf btf dump vmlinux --format c', argv: sluiceCommand(['bpf', 'btf', 'dump', 'vmlinux', '--format', 'c']) },
  ], TURNS);
  const lines = await timeCommands([
    { name: 'bpftool btf dump file vmlinux', argv: ['bpftool', 'btf', 'dump', 'file', KERNEL_BTF] },
    { name: 'sluice bpf btf dump vmlinux', argv: sluiceCommand(['bpf', 'btf', 'dump', 'vmlinux']) },
  ], TURNS);
  const code = await timeCode();
  const headerMs = timeHeader();
  say(`${timingTable(types)}\n\n${timingTable(lines)}\n\n${timingTable(code)}\n\nThe C header alone, inside a process: ${figure(headerMs)} ms`);
  return { types, lines, code, headerMs };
};

/** A program of many lines, with calls, maps and variables. */
async function timeCode(): Promise<Timing[]> {
  const state = tempState();
  try {
    const path = join(state.root, 'maps.bpf.o');
    const source = join(dirname(dirname(import.meta.dirname)), 'fixtures/bpf/maps.bpf.c');
    execFileSync('clang', ['-target', 'bpf', '-O2', '-g', `-I/usr/include/${process.arch === 'arm64' ? 'aarch64' : 'x86_64'}-linux-gnu`, '-c', source, '-o', path]);
    using object = loadObject(readFileSync(path), path);
    const id = String(object.program('store').info().id);
    return await timeCommands([
      { name: 'bpftool prog dump xlated', argv: ['bpftool', 'prog', 'dump', 'xlated', 'id', id] },
      { name: 'sluice bpf prog dump', argv: sluiceCommand(['bpf', 'prog', 'dump', id]) },
    ], TURNS);
  } finally {
    state.close();
  }
}

/** Least time of a few: the first run also compiles our own code. */
function timeHeader(): number {
  const bytes = readFileSync(KERNEL_BTF);
  return Math.min(...Array.from({ length: 5 }, () => {
    const start = performance.now();
    dumpC(new Btf(bytes, KERNEL_BTF));
    return performance.now() - start;
  }));
}
