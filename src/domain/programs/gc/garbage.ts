import { HOOKS } from '../../bpf/index.ts';
import type { PinnedObject } from '../pins/pinned.ts';

/** A pin that nothing needs. */
export interface Garbage extends PinnedObject {
  why: string;
  /** It was removed. */
  deleted: boolean;
}

/** Hooks that may have a program without showing it: a socket, a perf event, a route, a table, another program. */
const UNSEEN = /^(lwt|kprobe|uprobe|tracepoint|perf_event|struct_ops)/;

/** Program types whose every place can be seen: of others it cannot be told that they stand nowhere. */
export const SEEN_TYPES: ReadonlySet<string> = new Set(
  HOOKS.filter(({ kind, name }) => !UNSEEN.test(kind) && name !== 'freplace').flatMap(({ programTypes }) => programTypes),
);

/** What is known of a pinned object that decides. */
export interface Facts {
  type: string;
  /** A process has a descriptor of it, or of a link of it. */
  held: boolean;
  /** Where it stands; for a map, which programs use it. */
  uses: readonly { gone: boolean }[];
  /** A program array, or another map, has it. */
  inMap: boolean;
}

/** Why nothing needs it; undefined when something does, or when that cannot be told. */
export function whyGarbage(kind: PinnedObject['kind'], { type, held, uses, inMap }: Facts): string | undefined {
  if (held || inMap) return undefined;
  switch (kind) {
    case 'link': return uses.length > 0 && uses.every(({ gone }) => gone) ? 'what it stood on is gone' : undefined;
    case 'program': return SEEN_TYPES.has(type) && uses.length === 0 ? 'it is attached nowhere' : undefined;
    case 'map': return uses.length === 0 ? 'no program uses it' : undefined;
    default: return undefined;
  }
}
