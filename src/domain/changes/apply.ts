/** What touches the machine: checking and running the revert, the timer, and the mount of a nameless namespace. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperationError, ToolError } from '../../lib/errors.ts';
import { need, run, spawnDetached, which } from '../../tools/index.ts';
import { isAlive, readIdentity } from './clock.ts';
import type { Argv, ChangeRecord, CommandStep, Namespace } from './model.ts';
import type { ChangePaths } from './paths.ts';
import type { ScriptPrograms } from './shell.ts';
import { systemdArgv, unitOf } from './timer.ts';

/** Why a revert runs; it decides between `rolled-back` (asked for) and `reverted`. */
export type RevertMode = 'rollback' | 'failed';

const TIMER_START_MS = 5000;

/** Exit code of a revert script of which a step failed; one that was killed counts as such. */
const REVERT_FAILED = 8;

/** Where the system's own programs are: a script that runs as root later must not name one from somebody's PATH. */
const SYSTEM_DIRECTORIES = ['/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Absolute paths of what the scripts need. @throws UnsupportedError naming what is missing */
export function findScriptPrograms(): ScriptPrograms {
  return { sh: system('sh'), nsenter: system('nsenter'), flock: system('flock'), umount: system('umount') };
}

/**
 * Mounts a namespace that only a process holds, so that it and its inode last as long as the change waits.
 *
 * @throws ToolError when the mount is refused
 */
export async function mountNamespace(namespace: Namespace): Promise<void> {
  if (namespace.process === undefined) return;
  writeFileSync(namespace.path, '');
  await run([system('mount'), '--bind', `/proc/${namespace.process.pid}/ns/net`, namespace.path]);
}

/** Takes the mount of `mountNamespace` away; quiet when there is none. */
export async function unmountNamespace(namespace: Namespace): Promise<void> {
  if (namespace.process === undefined) return;
  await run([system('umount'), namespace.path], { allowFailure: true });
}

/**
 * Proves that the revert would work: sh accepts the scripts, every program is there, and every step's own check passes in the
 * namespace of the change.
 *
 * @throws OperationError SL4000 with every reason at once
 */
export async function checkRevert(record: ChangeRecord, paths: ChangePaths, programs: ScriptPrograms): Promise<void> {
  const problems: string[] = [];
  for (const script of [paths.revertScript, paths.timerScript]) {
    const { exitCode, stderr } = await run([programs.sh, '-n', script], { allowFailure: true });
    if (exitCode !== 0) problems.push(`${script}: ${stderr.trim()}`);
  }
  for (const step of record.revertSteps) {
    if ('argv' in step) problems.push(...(await checkStep(step, record, paths)));
  }
  if (problems.length === 0) return;
  throw new OperationError(`change ${record.id} could not be reverted`, { code: 'SL4000', causes: problems });
}

/** Starts the dead-man timer and returns when it runs. @throws OperationError SL4006 when it does not */
export async function startTimer(record: ChangeRecord, paths: ChangePaths, programs: ScriptPrograms, afterMs: number): Promise<void> {
  if (record.timer === 'systemd') {
    await run(systemdArgv({ systemdRun: system('systemd-run'), sh: programs.sh }, record.id, paths.timerScript, afterMs));
    return;
  }
  spawnDetached([programs.sh, paths.timerScript]);
  for (let waitedMs = 0; waitedMs < TIMER_START_MS; waitedMs += 10) {
    const timer = readIdentity(paths.timerProcess);
    if (timer !== undefined && isAlive(timer)) return;
    await sleep(10);
  }
  throw new OperationError('the dead-man timer did not start', { code: 'SL4006', causes: [`${programs.sh} ${paths.timerScript}`] });
}

/** How the timer of a change runs on this node: under systemd when that is PID 1. */
export function timerKind(): 'systemd' | 'shell' {
  return existsSync('/run/systemd/system') && which('systemd-run') !== undefined ? 'systemd' : 'shell';
}

/** Stops a systemd timer that has nothing left to do; a shell timer ends by itself within a second. */
export async function stopTimer(record: ChangeRecord): Promise<void> {
  if (record.timer !== 'systemd') return;
  await run([system('systemctl'), 'stop', `${unitOf(record.id)}.timer`], { allowFailure: true });
}

/**
 * Runs `revert.sh` in a session of its own, so that it ends even when this process or its terminal does not live that long.
 *
 * @returns its exit code: 0 undone, 3 refused, 8 a step failed
 */
export async function runRevertScript(paths: ChangePaths, mode: RevertMode): Promise<number> {
  try {
    return (await run([system('setsid'), '--wait', system('sh'), paths.revertScript, mode], { allowFailure: true })).exitCode;
  } catch (error) {
    if (error instanceof ToolError) return REVERT_FAILED;
    throw error;
  }
}

async function checkStep(step: CommandStep, record: ChangeRecord, paths: ChangePaths): Promise<string[]> {
  const programs = [step.argv[0], ...(step.check === undefined ? [] : [step.check[0]])];
  const missing = programs.filter((program) => !program.startsWith('/') || which(program) === undefined);
  const problems = missing.map((program) => `${step.title}: there is no program ${program}`);
  if (step.check === undefined || problems.length > 0) return problems;
  const input = step.stdinFile === undefined ? '' : readFileSync(`${paths.directory}/${step.stdinFile}`);
  const argv: Argv = [system('nsenter'), `--net=${record.namespace.path}`, '--', ...step.check];
  const { exitCode, stderr } = await run(argv, { allowFailure: true, input });
  return exitCode === 0 ? [] : [`${step.title}: ${step.check.join(' ')} exited ${exitCode}: ${stderr.trim()}`];
}

function system(name: string): string {
  return SYSTEM_DIRECTORIES.map((directory) => `${directory}/${name}`).find((path) => which(path) !== undefined) ?? need(name);
}
