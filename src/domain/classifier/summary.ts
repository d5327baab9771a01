import { Kind, mapTerminals } from './combine.ts';
import { type Compiled, countEdges, reachableNodes } from './compile.ts';
import type { HookName } from './outcome.ts';
import type { DiagramStore, Ref } from './store.ts';

/** What a hook's rules come to. */
export interface HookSummary {
  hook: HookName;
  /** Edges of the diagram with all counters, and of the one that only decides. */
  edges: number;
  verdictEdges: number;
  /** Whether some packet reaches a native rule, so that the hook needs dispatch. */
  hasNatives: boolean;
  /** Rules that some packet reaches; all others can never match. Policies included, by rule id. */
  reachable: ReadonlySet<number>;
}

/** Looks at every terminal that a hook can end in. */
export function summarize({ store, roots }: Compiled): HookSummary[] {
  return (Object.entries(roots) as [HookName, Ref][]).map(([hook, root]) => {
    const reachable = new Set<number>();
    let hasNatives = false;
    for (const terminal of terminalsBelow(store, root)) {
      for (const id of terminal.counted) reachable.add(id);
      for (const id of terminal.natives) reachable.add(id);
      hasNatives ||= terminal.natives.length > 0;
    }
    return { hook, edges: countEdges(store, [root]), verdictEdges: countEdges(store, [verdictsOnly(store, root)]), hasNatives, reachable };
  });
}

function terminalsBelow(store: DiagramStore, root: Ref): Set<DiagramStore['terminals'][number]> {
  const found = new Set(root < 0 ? [store.terminalOf(root)] : []);
  for (const node of reachableNodes(store, [root]))
    for (let edge = store.first[node]!; edge < store.first[node]! + store.width[node]!; edge++)
      if (store.children[edge]! < 0) found.add(store.terminalOf(store.children[edge]!));
  return found;
}

const verdictsOnly = (store: DiagramStore, root: Ref): Ref =>
  mapTerminals(store, root, ({ kind, natives }) => store.terminal(kind === Kind.ACCEPT ? Kind.ACCEPT : Kind.DROP, [], natives));
