/**
 * A process that makes and removes what a busy node makes and removes, as fast as it can, until its standard input ends:
 * `objects` (programs, maps and links), `pins FOLDER`, or `interfaces PREFIX` (network namespaces with a veth pair).
 */

import { execFileSync } from 'node:child_process';
import { mkdirSync, rmSync } from 'node:fs';
import { setImmediate as nextTurn } from 'node:timers/promises';
import { attachRawTracepoint, BpfMap, loadSmallest, pin } from '../../src/kernel/bpf/index.ts';
import { bpf } from '../../src/kernel/uapi/index.ts';

const [what, where = ''] = process.argv.slice(2);

function objects(): void {
  using program = loadSmallest(bpf.BPF_PROG_TYPE_RAW_TRACEPOINT);
  using map = BpfMap.create({ type: bpf.BPF_MAP_TYPE_ARRAY, keySize: 4, valueSize: 4, maxEntries: 1, flags: 0, name: 'churn' });
  map.close();
  attachRawTracepoint(program, 'sched_switch').close();
}

function pins(): void {
  using program = loadSmallest(bpf.BPF_PROG_TYPE_RAW_TRACEPOINT);
  mkdirSync(`${where}/churn`);
  pin(program.fd, `${where}/churn/program`);
  rmSync(`${where}/churn`, { recursive: true });
}

function interfaces(): void {
  const name = `${where}${process.pid}`;
  const ip = (...words: string[]): Buffer => execFileSync('ip', words);
  ip('netns', 'add', name);
  ip('link', 'add', `${name}a`, 'type', 'veth', 'peer', 'name', `${name}b`, 'netns', name);
  ip('link', 'delete', `${name}a`);
  ip('netns', 'delete', name);
}

const rounds: Readonly<Record<string, () => void>> = { objects, pins, interfaces };
let ended = false;
process.stdin.resume().once('end', () => (ended = true));
let count = 0;
for (; !ended; count++) {
  rounds[what!]!();
  await nextTurn();
}
process.stdout.write(`${count}\n`);
