/** What touches the machine: checking and running the revert, the timer, and the mount of a nameless namespace. */

import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { OperationError, UnsupportedError } from '../../lib/errors.ts';
import { run, spawnDetached, which } from '../../tools/index.ts';
import { isAlive, readIdentity } from './clock.ts';
import type { ChangeRecord, CommandStep, Namespace } from './model.ts';
import type { ChangePaths } from './paths.ts';
import type { ScriptPrograms } from './script.ts';
import { systemdArgv, unitOf } from './timer.ts';

/** Why a revert runs; it decides between `rolled-back` (asked for) and `reverted`. */
export type RevertMode = 'rollback' | 'failed';

const TIMER_START_MS = 5000;

/** Absolute paths of what the scripts need. @throws UnsupportedError naming what is missing */
export async function findScriptPrograms(): Promise<ScriptPrograms> {
  return { sh: await need('sh'), nsenter: await need('nsenter'), flock: await need('flock'), umount: await need('umount') };
}

/**
 * Mounts a namespace that only a process holds, so that it and its inode last as long as the change waits.
 *
 * @throws ToolError when the mount is refused
 */
export async function mountNamespace(namespace: Namespace): Promise<void> {
  if (namespace.process === undefined) return;
  writeFileSync(namespace.path, '');
  await run([await need('mount'), '--bind', `/proc/${namespace.process.pid}/ns/net`, namespace.path]);
}

/** Takes the mount of `mountNamespace` away; quiet when there is none. */
export async function unmountNamespace(namespace: Namespace): Promise<void> {
  if (namespace.process === undefined) return;
  await run([await need('umount'), namespace.path], { allowFailure: true });
}

/**
 * Proves before anything is applied that the revert would work: sh accepts the scripts, every program is there, and every
 * step's own check passes in the namespace of the change.
 *
 * @throws OperationError SL1300 with every reason at once
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
  throw new OperationError('this change could not be reverted, so it is not applied', { code: 'SL1300', causes: problems });
}

/** Starts the dead-man timer and returns when it runs. @throws OperationError SL1306 when it does not */
export async function startTimer(record: ChangeRecord, paths: ChangePaths, programs: ScriptPrograms, afterMs: number): Promise<void> {
  if (record.timer === 'systemd') {
    await run(systemdArgv({ systemdRun: await need('systemd-run'), sh: programs.sh }, record.id, paths.timerScript, afterMs));
    return;
  }
  await spawnDetached([programs.sh, paths.timerScript]);
  for (let waitedMs = 0; waitedMs < TIMER_START_MS; waitedMs += 10) {
    const timer = readIdentity(paths.timerProcess);
    if (timer !== undefined && isAlive(timer)) return;
    await sleep(10);
  }
  throw new OperationError('the dead-man timer did not start', { code: 'SL1306', causes: [`${programs.sh} ${paths.timerScript}`] });
}

/** How the timer of a change runs on this node: under systemd when that is PID 1. */
export async function timerKind(): Promise<'systemd' | 'shell'> {
  return existsSync('/run/systemd/system') && (await which('systemd-run')) !== undefined ? 'systemd' : 'shell';
}

/** Stops a systemd timer that has nothing left to do; a shell timer ends by itself within a second. */
export async function stopTimer(record: ChangeRecord): Promise<void> {
  if (record.timer !== 'systemd') return;
  await run([await need('systemctl'), 'stop', `${unitOf(record.id)}.timer`], { allowFailure: true });
}

/**
 * Runs `revert.sh` in a session of its own, so that it ends even when this process or its terminal does not live that long.
 *
 * @returns its exit code: 0 undone, 3 refused, 8 a step failed
 */
export async function runRevertScript(paths: ChangePaths, mode: RevertMode): Promise<number> {
  const argv = [await need('setsid'), '--wait', await need('sh'), paths.revertScript, mode];
  return (await run(argv, { allowFailure: true })).exitCode;
}

async function checkStep(step: CommandStep, record: ChangeRecord, paths: ChangePaths): Promise<string[]> {
  const problems = [step.argv, step.check ?? []].flatMap(([program]) =>
    program === undefined || (program.startsWith('/') && existsSync(program)) ? [] : [`${step.title}: there is no ${program}`],
  );
  if (step.check === undefined || problems.length > 0) return problems;
  const input = step.stdinFile === undefined ? '' : readFileSync(`${paths.directory}/${step.stdinFile}`);
  const netns = record.namespace.host ? undefined : record.namespace.path;
  const { exitCode, stderr } = await run(step.check, { allowFailure: true, input, ...(netns === undefined ? {} : { netns }) });
  return exitCode === 0 ? [] : [`${step.title}: ${step.check.join(' ')} exited ${exitCode}: ${stderr.trim()}`];
}

async function need(name: string): Promise<string> {
  const path = await which(name);
  if (path === undefined) throw new UnsupportedError('a change that can be undone', { needs: `the program '${name}'` });
  return path;
}
