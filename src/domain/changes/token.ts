/**
 * The token of a change: one file in its run directory whose name says what has become of it.
 *
 *     armed.DEADLINE ─┬─> confirmed ──┐
 *       │     ^       │               v
 *       └─────┘       └────────> reverting ──> reverted | rolled-back | revert-failed
 *       extend
 *
 * DEADLINE is in whole seconds since boot, `never` without a timer. sluice, the timer and the revert script all move it by
 * rename(2) from the name that they saw, so of two that want it at once exactly one gets it.
 */

import { readdirSync, renameSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export type Token =
  | { kind: 'armed'; deadline: number | undefined }
  | { kind: 'confirmed' | 'reverting' | 'reverted' | 'rolled-back' | 'revert-failed' };

const ENDS = ['confirmed', 'reverting', 'reverted', 'rolled-back', 'revert-failed'] as const;

/** Puts the first token into the run directory `run`; `deadline` undefined means no timer. */
export function createToken(run: string, deadline: number | undefined): void {
  writeFileSync(join(run, fileName({ kind: 'armed', deadline })), '', { mode: 0o600, flag: 'wx' });
}

/** The token in the run directory `run`; undefined when it holds none, as after a restart. */
export function readToken(run: string): Token | undefined {
  // A rename between two reads of a directory may hide the token from the first.
  return parseNames(namesIn(run)) ?? parseNames(namesIn(run));
}

/** Moves the token from what was seen to what is wanted; false when somebody moved it first. */
export function moveToken(run: string, seen: Token, wanted: Token): boolean {
  try {
    renameSync(join(run, fileName(seen)), join(run, fileName(wanted)));
    return true;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return false;
    throw error;
  }
}

function fileName(token: Token): string {
  return token.kind === 'armed' ? `armed.${token.deadline ?? 'never'}` : token.kind;
}

function parseNames(names: readonly string[]): Token | undefined {
  const kind = ENDS.findLast((end) => names.includes(end));
  if (kind !== undefined) return { kind };
  const armed = names.find((name) => /^armed\.(\d+|never)$/.test(name));
  if (armed === undefined) return undefined;
  const deadline = armed.slice('armed.'.length);
  return { kind: 'armed', deadline: deadline === 'never' ? undefined : Number(deadline) };
}

function namesIn(directory: string): string[] {
  try {
    return readdirSync(directory);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}
