import { UsageError } from '../../../lib/errors.ts';
import { readAttachSpec, readSection } from './spec.ts';

/** What is needed to choose among the programs of an object. */
export interface Candidate {
  name: string;
  section: string;
  /** As bpftool writes it. */
  type: string;
}

/** `PROGRAM=HOOK:TARGET`, or only what follows the `=`. */
export function splitWish(text: string): { program?: string; attach: string } {
  const [, program, attach] = /^(\w+)=([^=].*)$/s.exec(text) ?? [];
  return program === undefined || attach === undefined ? { attach: text } : { program, attach };
}

/**
 * The program of an object that a hook is meant for: the one that is named, else the only one whose section names the hook, else the
 * only one that the hook takes.
 *
 * @throws UsageError SL2500 where there is none or more than one.
 */
export function chooseProgram<T extends Candidate>(programs: readonly T[], name: string | undefined, attach: string): T {
  if (name !== undefined) return onlyOne(programs.filter((program) => program.name === name), attach, `called ${name}`);
  const fitting = programs.filter((program) => fits(program, attach));
  const hook = attach.split(':')[0]!;
  const bySection = fitting.filter(({ section }) => readSection(section)?.hook.name === hook);
  // A table is attached, and any of its programs will do.
  if (hook === 'struct_ops' && fitting.length > 0) return fitting[0]!;
  // What the one program is refused for says more than that none fits.
  if (fitting.length === 0 && programs.length === 1) return programs[0]!;
  return onlyOne(bySection.length > 0 ? bySection : fitting, attach, `that ${hook} takes`);
}

function fits({ type, section }: Candidate, attach: string): boolean {
  try {
    readAttachSpec(attach, { type, section });
    return true;
  } catch (error) {
    if (error instanceof UsageError) return false;
    throw error;
  }
}

function onlyOne<T extends Candidate>(programs: readonly T[], attach: string, what: string): T {
  if (programs.length === 1) return programs[0]!;
  throw new UsageError(`--attach ${attach}: ${programs.length === 0 ? 'no program' : `${programs.length} programs`} ${what}`, {
    code: 'SL2500', causes: programs.map(({ name, section }) => `${name} (${section})`), hints: ['name it: --attach PROGRAM=HOOK:TARGET'],
  });
}
