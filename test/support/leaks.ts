/** What tests must not leave on the machine. */

import { existsSync, readdirSync, readFileSync, readlinkSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Beginnings of the names that tests and labs give to network namespaces. */
const OUR_NAMESPACE = /^(sl|wk)/;
/** Ending processes and namespaces takes the kernel a moment. */
const PATIENCE_MS = 5000;

/** Names under /run/netns. */
export const listNamespaces = (): string[] => (existsSync('/run/netns') ? readdirSync('/run/netns') : []);

/**
 * One line for each thing left behind since `namespaces` were all there was: network namespaces, and what belongs to the
 * temporary folder `root`: processes, mounts (so pins too) and files. Waits a little for it to go.
 */
export async function findLeaks(root: string, namespaces: readonly string[]): Promise<string[]> {
  const deadline = Date.now() + PATIENCE_MS;
  for (;;) {
    const leaks = [...newNamespaces(namespaces), ...processesOf(root), ...mountsUnder(root), ...filesIn(root)];
    if (leaks.length === 0 || Date.now() > deadline) return leaks;
    await sleep(100);
  }
}

function newNamespaces(before: readonly string[]): string[] {
  return listNamespaces()
    .filter((name) => OUR_NAMESPACE.test(name) && !before.includes(name) && !hasLivingOwner(name))
    .map((name) => `network namespace ${name}`);
}

/** Names carry the pid of the process that made them: another run on this machine may still be using its own. */
const hasLivingOwner = (name: string): boolean => (name.match(/\d{2,}/g) ?? []).some((pid) => existsSync(`/proc/${pid}`));

function processesOf(root: string): string[] {
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && Number(pid) !== process.pid)
    .map((pid) => ({ pid, command: readProc(pid, 'cmdline'), environment: readProc(pid, 'environ') }))
    .filter(({ command, environment }) => (command.includes(root) || environment.includes(root)) && !command.includes('vitest'))
    .map(({ pid, command }) => `process ${pid} ${command.slice(0, 200)}`);
}

function readProc(pid: string, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, 'utf8').replaceAll('\0', ' ').trim();
  } catch {
    return '';
  }
}

const mountsUnder = (root: string): string[] =>
  readFileSync('/proc/self/mountinfo', 'utf8').split('\n').map((line) => line.split(' ')[4] ?? '')
    .filter((target) => target.startsWith(`${root}/`)).map((target) => `mount ${target}`);

const filesIn = (root: string): string[] => readdirSync(root).map((name) => `file ${root}/${name}`);

/** Descriptors of this process that refer to BPF objects and network namespaces: those are closed by hand. */
export function kernelDescriptors(): string[] {
  return readdirSync('/proc/self/fd').flatMap((fd) => {
    try {
      const target = readlinkSync(`/proc/self/fd/${fd}`);
      return /bpf|btf|^net:|\/netns\//.test(target) ? [`${fd} ${target}`] : [];
    } catch {
      return [];
    }
  });
}
