import type { Attachable, BpfMap, Place } from '../../../kernel/bpf/index.ts';
import type { Fd } from '../../../kernel/syscalls/index.ts';
import type { RevertStep } from '../../changes/index.ts';

/** What is said beside the hook and its target. */
export interface AttachOptions {
  /** Another network namespace than the caller's. */
  netns?: { path: string; label: string } | undefined;
  /** Where in a row of programs. */
  place?: Place | undefined;
  /** Maps that a target may name beside those of the kernel: those of the object that is loaded. */
  maps?: ReadonlyMap<string, BpfMap> | undefined;
  /** Preference of a tc filter. */
  preference?: number | undefined;
}

/** A hook that was found: everything that can be missing is there, and nothing was changed yet. The caller closes it. */
export interface Prepared {
  /** How many links `attach` makes; 0 where the hook takes no link. */
  links: number;
  /** What takes the program off again where no link does. */
  undo: readonly RevertStep[];
  /** Attaches; the caller owns the links. */
  attach(program: Attachable): Fd[];
  close(): void;
}

/** A hook that takes one link and needs nothing to be kept open. */
export const oneLink = (attach: (program: Attachable) => Fd, ...open: Fd[]): Prepared => ({
  links: 1, undo: [], attach: (program) => [attach(program)], close: () => open.forEach((fd) => fd.close()),
});
