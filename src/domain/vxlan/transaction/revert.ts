/** Steps that undo, as the plain commands of a revert script. Pure. */

import type { Argv, RevertStep } from '../../changes/index.ts';
import type { Step } from '../steps/model.ts';
import { type NativeCommand, nativeOf } from '../steps/native.ts';

/** Absolute paths of what the script runs. */
export interface RevertPrograms {
  ip: string;
  bridge: string;
}

/** Revert steps, and the files that they read. */
export interface Revert {
  steps: RevertStep[];
  files: Record<string, string>;
}

/** So many commands of one kind in a row go into one file, for one process. */
const BATCH_FROM = 8;

/**
 * The script's steps that carry out `steps`.
 *
 * Each must leave the same result when it is repeated, so making and taking away may fail: the device is there or gone already.
 */
export function revertOf(steps: readonly Step[], programs: RevertPrograms): Revert {
  const revert: Revert = { steps: [], files: {} };
  for (const group of groupCommands(steps)) {
    if (group.commands.length < BATCH_FROM) revert.steps.push(...group.commands.map((command) => single(command, group.tolerant, programs)));
    else addBatch(revert, group, programs);
  }
  return revert;
}

interface Group {
  program: 'ip' | 'bridge';
  tolerant: boolean;
  commands: NativeCommand[];
}

function groupCommands(steps: readonly Step[]): Group[] {
  const groups: Group[] = [];
  for (const step of steps) {
    for (const command of nativeOf(step)) {
      const last = groups.at(-1);
      const tolerant = mayFail(command);
      if (last?.program === command[0] && last.tolerant === tolerant) last.commands.push(command);
      else groups.push({ program: command[0], tolerant, commands: [command] });
    }
  }
  return groups;
}

/** `ip link add`, `bridge vni add`, `… delete`: there is no form of them that may be repeated. */
const mayFail = ([, ...words]: NativeCommand): boolean => words.includes('delete') || ((words[0] === 'link' || words[0] === 'vni') && words[1] === 'add');

const single = (command: NativeCommand, tolerateFailure: boolean, programs: RevertPrograms): RevertStep => ({
  title: command.join(' '), argv: absolute(command, programs), ...(tolerateFailure ? { tolerateFailure } : {}),
});

const absolute = ([program, ...words]: NativeCommand, programs: RevertPrograms): Argv => [programs[program], ...words];

function addBatch(revert: Revert, { program, tolerant, commands }: Group, programs: RevertPrograms): void {
  const name = `${program}-${Object.keys(revert.files).length + 1}.batch`;
  revert.files[name] = `${commands.map(([, ...words]) => words.map(quoteWord).join(' ')).join('\n')}\n`;
  revert.steps.push({ title: `${commands.length} lines of ${program} from ${name}`, argv: [programs[program], '-force', '-batch', '-'], stdinFile: name, ...(tolerant ? { tolerateFailure: true } : {}) });
}

/** Quotes as the batch reader of iproute2 understands them; a line end cannot be in one. */
const quoteWord = (word: string): string => (/^[\w.:/@%+,=-]+$/.test(word) ? word : `"${word.replaceAll(/["\n]/g, '')}"`);
