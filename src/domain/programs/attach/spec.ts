/** What `--attach HOOK:TARGET` says, and what a program's section says where it leaves something out. */

import { UsageError } from '../../../lib/errors.ts';
import { suggest } from '../../../lib/text.ts';
import { findHook, hookOfSection, HOOKS, type Hook } from '../../bpf/index.ts';
import { readTarget, type AttachTarget } from './target.ts';

/** A hook with everything that is needed to attach to it, but for the program. */
export interface AttachSpec {
  hook: Hook;
  target: AttachTarget;
  /** As a user would write it, complete. */
  text: string;
}

/** What a program's section says: `kprobe/tcp_v4_connect` names a hook and a function. */
interface SectionWords {
  hook: Hook;
  target?: string;
}

/** What is known of a program beside its code. */
export interface ProgramFacts {
  /** As bpftool writes it. */
  type: string;
  /** The whole name of its section, where the object is at hand. */
  section?: string | undefined;
}

/**
 * Reads `HOOK:TARGET`, `HOOK` where the section or the hook itself tells the target, or `GROUP:TARGET` where the section tells
 * or the program's type which hook of the group is meant: `cgroup:/sys/fs/cgroup`, `sockmap:PIN`, `tcx:eth0`.
 *
 * @throws UsageError SL2500 naming what is unknown or missing; SL2501 for a hook that does not take programs of the type.
 */
export function readAttachSpec(text: string, { type, section }: ProgramFacts): AttachSpec {
  const [word, rest] = splitOnce(text, ':');
  const said = section === undefined ? undefined : readSection(section);
  const hook = findHook(word) ?? ofGroup(word, type, said) ?? refuseHook(word, text, said);
  if (!hook.programTypes.includes(type)) {
    throw new UsageError(`${hook.name} takes ${hook.programTypes.join(' or ')} programs, and this one is ${type}`, {
      code: 'SL2501', hints: HOOKS.filter(({ programTypes }) => programTypes.includes(type)).map(({ name }) => `--attach ${name}:…`).slice(0, 6),
    });
  }
  // A section tells where a program of the same kind of hook goes; of another it tells nothing.
  const target = rest ?? (said?.hook.kind === hook.kind ? said.target : undefined);
  return { hook, target: readTarget(hook, target, text), text: target === undefined ? hook.name : `${hook.name}:${target}` };
}

/** The hook of a section and what follows it; undefined where the section names none. */
export function readSection(section: string): SectionWords | undefined {
  const name = section.replace(/^\?/, '');
  const whole = hookOfSection(name);
  if (whole !== undefined) return { hook: whole };
  const [front, target] = splitOnce(name, '/');
  const hook = hookOfSection(front);
  return hook === undefined || target === undefined ? undefined : { hook, target };
}

/** Words that stand for several hooks, of which the section names one. */
const GROUPS: Readonly<Record<string, Hook['kind']>> = { cgroup: 'cgroup', sockmap: 'sockmap', tcx: 'tcx', netkit: 'netkit', lwt: 'lwt' };

function ofGroup(word: string, type: string, said: SectionWords | undefined): Hook | undefined {
  const kind = GROUPS[word];
  if (kind === undefined) return undefined;
  const fitting = HOOKS.filter((hook) => hook.kind === kind && hook.programTypes.includes(type));
  return said?.hook.kind === kind ? said.hook : fitting.length === 1 ? fitting[0] : undefined;
}

function refuseHook(word: string, text: string, said: SectionWords | undefined): never {
  const kind = GROUPS[word];
  const names = HOOKS.map(({ name }) => name);
  if (kind !== undefined) {
    throw new UsageError(`--attach ${text}: ${word} alone does not say which hook`, {
      code: 'SL2500', causes: ['neither the section nor the type of the program tells'], hints: [HOOKS.filter((hook) => hook.kind === kind).map(({ name }) => name).join(', ')],
    });
  }
  throw new UsageError(`--attach ${text}: there is no hook ${word}`, {
    code: 'SL2500', causes: said === undefined ? [] : [`the section of the program names ${said.hook.name}`],
    hints: [...suggest(word, names), 'sluice bpf prog attach --help lists the hooks'],
  });
}

/** Both sides of the first separator; no second one where it does not occur or nothing follows. */
function splitOnce(text: string, separator: string): [string, string | undefined] {
  const at = text.indexOf(separator);
  return at < 0 ? [text, undefined] : [text.slice(0, at), text.slice(at + separator.length) || undefined];
}
