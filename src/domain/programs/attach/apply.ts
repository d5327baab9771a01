/** Attaches programs as changes: what undoes it is on disk before anything lasts at a hook. */

import { programFunction, programTypeName, type CheckedProgram } from '../../../kernel/bpf/index.ts';
import { UsageError } from '../../../lib/errors.ts';
import { findProgram, openBtf, type Reference } from '../../bpf/index.ts';
import { beginChange } from '../../changes/index.ts';
import type { Loaded, LoadExtra } from '../load/apply.ts';
import type { Addition, AttachedHook } from '../load/model.ts';
import { chooseProgram, splitWish } from './choose.ts';
import type { AttachOptions } from './prepared.ts';
import { readAttachSpec } from './spec.ts';
import { checkHook, readWish, Standing, type MadeLink, type Wish } from './standing/apply.ts';

export interface AttachRequest extends AttachOptions {
  reference: Reference;
  /** `HOOK:TARGET`, each of them. */
  attach: readonly string[];
  argv: readonly string[];
  confirmWithinMs?: number | undefined;
  /** `client`: read what is asked for. `kernel`: also find the hooks; nothing is attached. */
  dryRun?: 'client' | 'kernel' | undefined;
}

/** A program that was attached. */
export interface Attached {
  id: number;
  name: string;
  /** Each `HOOK:TARGET`, complete, with its links. */
  hooks: { hook: string; links: MadeLink[] }[];
  netns?: string;
  /** Absent for a dry run. */
  change?: string;
  /** RFC 3339 UTC, when it waits to be confirmed. */
  revertsAt?: string;
}

/**
 * Attaches a loaded program. The links stay, pinned below `sluice/links` of the bpf file system.
 *
 * @throws as `Standing`, and nothing is attached or pinned then; SL4001 when it was attached and had to be undone; as `findObject`.
 */
export async function attachProgram(request: AttachRequest): Promise<Attached> {
  if (request.attach.length === 0) throw new UsageError('nothing says where to attach it', { code: 'SL2500', hints: ['--attach HOOK:TARGET, such as --attach xdp:eth0'] });
  using program = findProgram(request.reference);
  const { id } = program.info();
  const name = programFunction(program.fd, openBtf) ?? program.name;
  const wishes = request.attach.map((attach): Wish => ({ program, name, attach, options: request }));
  const outcome = { id, name, ...(request.netns === undefined ? {} : { netns: request.netns.label }) };
  if (request.dryRun !== undefined) return { ...outcome, hooks: dryRun(wishes, request.dryRun) };
  const standing = standAll(wishes);
  try {
    return { ...outcome, ...(await keepAsChange(request, id, name, standing)) };
  } finally {
    for (const one of standing) one.close();
  }
}

function dryRun(wishes: readonly Wish[], how: 'client' | 'kernel'): Attached['hooks'] {
  if (how === 'kernel') wishes.forEach(checkHook);
  return wishes.map((wish) => ({ hook: readWish(wish).text, links: [] }));
}

/** All or none. */
function standAll(wishes: readonly Wish[]): Standing[] {
  const standing: Standing[] = [];
  try {
    for (const wish of wishes) standing.push(new Standing(wish, standing.flatMap(({ pins }) => pins)));
    return standing;
  } catch (error) {
    for (const one of standing) one.close();
    throw error;
  }
}

/** Each program has a kind of change of its own, so that one can be undone whatever was attached since. */
async function keepAsChange(request: AttachRequest, id: number, name: string, standing: readonly Standing[]): Promise<Pick<Attached, 'hooks' | 'change' | 'revertsAt'>> {
  const places = standing.map(({ spec }) => spec.text).join(', ');
  const change = await beginChange({
    kind: `attach/${id}`,
    summary: `attach ${name} (id ${id}) to ${places}`,
    argv: request.argv,
    ...(request.netns === undefined ? {} : { netns: request.netns }),
    ...(request.confirmWithinMs === undefined ? {} : { confirmWithinMs: request.confirmWithinMs }),
    files: {},
    revertSteps: standing.flatMap(({ undo }) => undo),
    diff: { before: '', after: standing.map(({ spec }) => `${spec.text} ${name} (id ${id})\n`).join('') },
  });
  let hooks: Attached['hooks'];
  try {
    hooks = standing.map((one) => ({ hook: one.spec.text, links: one.keep() }));
  } catch (error) {
    return await change.fail(error);
  }
  const { revertsAt } = await change.applied({ hooks });
  return { hooks, change: change.id, ...(revertsAt === undefined ? {} : { revertsAt }) };
}

/**
 * What `--attach` adds to the load of an object: `[PROGRAM=]HOOK:TARGET`, each of them.
 *
 * @throws UsageError SL2500 where it cannot be told which program is meant; as `Standing`.
 */
export function attachLoaded(texts: readonly string[], options: AttachOptions): LoadExtra {
  return {
    check: (programs) => texts.forEach((text) => checkWish(text, programs)),
    tryOut: (loaded) => wishesFor(texts, options, loaded).forEach(checkHook),
    add: (loaded) => addAttachments(standAll(wishesFor(texts, options, loaded))),
  };
}

function checkWish(text: string, programs: readonly CheckedProgram[]): void {
  const { program, attach } = splitWish(text);
  const { type, section } = chooseProgram(programs.map(({ name, section: of, kind }) => ({ name, section: of, type: programTypeName(kind.type) })), program, attach);
  readAttachSpec(attach, { type, section });
}

function wishesFor(texts: readonly string[], options: AttachOptions, { object }: Loaded): Wish[] {
  const programs = object.programs.map(({ name, section, kind, program }) => ({ name, section, program, type: programTypeName(kind.type) }));
  return texts.map((text) => {
    const { program, attach } = splitWish(text);
    return { ...chooseProgram(programs, program, attach), attach, options: { ...options, maps: object.maps } };
  });
}

function addAttachments(standing: readonly Standing[]): Addition {
  const hooks: AttachedHook[] = [];
  return {
    revertSteps: standing.flatMap(({ undo }) => undo),
    lines: standing.map(({ spec, name }) => `attach ${name} to ${spec.text}`),
    apply: () => void hooks.push(...standing.map((one) => ({ program: one.name, hook: one.spec.text, links: one.keep() }))),
    close: () => standing.forEach((one) => one.close()),
    attached: hooks,
  };
}
