import type { Verdict } from './effect.ts';
import { trailItems, type Assumption, type Step } from './path.ts';
import type { WalkPath } from './walk.ts';

/** The answer of `iptables test`: what happens to the packet, and how sure that is. */
export interface WalkSummary {
  /** `undetermined` when the ways the packet can go end differently, or one of them outside the rules. */
  verdict: Verdict | 'undetermined';
  /** The steps of the likeliest path, without the policies of chains that have no rules. */
  steps: Step[];
  /** Index in `steps` of the step that decided, from 0; absent when no rule or policy of a filter table was asked. */
  decidedAt?: number;
  /** How the paths end that differ by a random choice between backends only. */
  backends?: BackendCount;
  /** Rules that could not be decided and were followed both ways. */
  doubtful: Assumption[];
  /** Why the verdict is undetermined, one reason an entry. */
  reasons: string[];
}

/** How many backends the packet may be sent to, and what becomes of it there. */
export interface BackendCount {
  total: number;
  accepted: number;
  refused: number;
}

/** Reduces all the ways a packet can go to one answer; the paths are those of `walkPacket`, at least one. */
export function summarizeWalk(paths: readonly WalkPath[]): WalkSummary {
  const shown = likeliest(paths);
  const steps = trailItems(shown.steps).filter(({ idle }) => idle !== true);
  const decidedAt = decidingStep(steps, shown.end);
  const verdict = commonVerdict(paths, shown);
  const backends = countBackends(paths);
  const doubtful = distinctAssumptions(paths);
  return {
    verdict,
    steps,
    ...(decidedAt === -1 ? {} : { decidedAt }),
    ...(backends === undefined ? {} : { backends }),
    doubtful,
    reasons: verdict === 'undetermined' ? explain(paths, backends, doubtful) : [],
  };
}

/** Fewest rules assumed to match, then most probable (to six digits: the kernel rounds 1/3), then first. */
function likeliest(paths: readonly WalkPath[]): WalkPath {
  const guesses = (path: WalkPath): number => trailItems(path.assumptions).filter(({ matches }) => matches).length;
  const ranked = paths.map((path) => ({ path, guesses: guesses(path), probability: Math.round(path.probability * 1e6) }));
  ranked.sort((a, b) => a.guesses - b.guesses || b.probability - a.probability);
  return ranked[0]!.path;
}

function commonVerdict(paths: readonly WalkPath[], shown: WalkPath): WalkSummary['verdict'] {
  const kinds = new Set(paths.map(({ end }) => outcome(end)));
  return kinds.size === 1 && typeof shown.end === 'string' ? shown.end : 'undetermined';
}

const outcome = (end: WalkPath['end']): 'accepted' | 'refused' | 'undetermined' =>
  typeof end === 'object' ? 'undetermined' : end === 'accept' ? 'accepted' : 'refused';

/** The last step for a drop; for an accept the last rule or policy of the filter table, -1 when it has none to ask. */
function decidingStep(steps: readonly Step[], end: WalkPath['end']): number {
  return end === 'accept' ? steps.findLastIndex(({ table }) => table === 'filter') : steps.length - 1;
}

/** Backends are told apart by the DNAT rule that sends the packet to them. */
function countBackends(paths: readonly WalkPath[]): BackendCount | undefined {
  const ends = new Map<string, Set<string>>();
  for (const path of paths) {
    const dnat = trailItems(path.steps).findLast(({ rule }) => rule?.target.kind === 'native' && rule.target.name === 'DNAT');
    if (dnat === undefined) continue;
    const key = `${dnat.backend} ${dnat.chain} ${dnat.number}`;
    ends.set(key, (ends.get(key) ?? new Set()).add(outcome(path.end)));
  }
  if (ends.size < 2) return undefined;
  const only = (kind: string): number => [...ends.values()].filter((kinds) => kinds.size === 1 && kinds.has(kind)).length;
  return { total: ends.size, accepted: only('accepted'), refused: only('refused') };
}

function distinctAssumptions(paths: readonly WalkPath[]): Assumption[] {
  const distinct = new Map<unknown, Assumption>();
  for (const path of paths) for (const assumption of trailItems(path.assumptions)) distinct.set(assumption.rule, assumption);
  return [...distinct.values()];
}

function explain(paths: readonly WalkPath[], backends: BackendCount | undefined, doubtful: readonly Assumption[]): string[] {
  const outside = new Set(paths.flatMap(({ end }) => (typeof end === 'object' ? [end.undetermined] : [])));
  const rules = doubtful.map(({ table, rule, unknown }) => `depends on ${table}/${rule.chain}#${rule.number} (${unknown.join(', ')})`);
  const split = backends !== undefined && backends.accepted > 0 && backends.refused > 0
    ? [`of ${backends.total} backends ${backends.accepted} would be reached and ${backends.refused} not`] : [];
  const reasons = [...outside, ...rules, ...split];
  return reasons.length > 0 ? reasons : ['depends on a random choice'];
}
