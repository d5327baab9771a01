import { UsageError } from '../../../lib/errors.ts';
import { findHook, type HookKind } from '../../bpf/index.ts';
import type { AttachOptions } from './prepared.ts';
import { splitWish } from './choose.ts';

/** Hooks where a wrong program can cut the way to the machine. */
const JUDGES: readonly HookKind[] = ['xdp', 'tcx', 'netkit', 'tc', 'netfilter', 'cgroup', 'netns', 'sockmap', 'lwt'];

/** Whether any of the hooks that `--attach` names decides about packets or connections. */
export const judgesPackets = (attach: readonly string[]): boolean => attach.some((text) => {
  const word = splitWish(text).attach.split(':')[0]!;
  const hook = findHook(word);
  return hook === undefined ? JUDGES.some((kind) => kind === word) : JUDGES.includes(hook.kind);
});

/**
 * Reads `--before`, `--after`, `--revision` and `--prio`: `all`, the id of a program, or `link:ID`.
 *
 * @throws UsageError SL2500 for anything else.
 */
export function readPlacing({ before, after, revision, prio }: PlaceFlags): Pick<AttachOptions, 'place' | 'preference'> {
  return { ...readPlace({ before, after, revision }), ...(prio === undefined ? {} : { preference: prio }) };
}

/** The flags as typed. */
export interface PlaceFlags {
  before?: string | undefined;
  after?: string | undefined;
  revision?: string | undefined;
  prio?: number | undefined;
}

function readPlace({ before, after, revision }: PlaceFlags): Pick<AttachOptions, 'place'> {
  const text = before ?? after;
  if (text === undefined && revision === undefined) return {};
  const neighbour = text === undefined || text === 'all' ? undefined : readNeighbour(text);
  return {
    place: {
      side: before === undefined ? 'after' : 'before',
      ...(neighbour === undefined ? {} : { neighbour }), ...(revision === undefined ? {} : { expectedRevision: readRevision(revision) }),
    },
  };
}

function readNeighbour(text: string): { kind: 'program' | 'link'; id: number } {
  const [, link, id] = /^(link:)?(\d{1,10})$/.exec(text) ?? [];
  if (id === undefined) throw new UsageError(`'${text}' names no neighbour`, { code: 'SL2500', hints: ['412 (a program), link:7, or all'] });
  return { kind: link === undefined ? 'program' : 'link', id: Number(id) };
}

function readRevision(text: string): bigint {
  if (/^\d{1,19}$/.test(text)) return BigInt(text);
  throw new UsageError(`'${text}' is no revision`, { code: 'SL2500', hints: ['sluice bpf net IFACE -o wide shows revisions'] });
}
