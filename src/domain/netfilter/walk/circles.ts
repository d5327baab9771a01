import { ParseError } from '../../../lib/errors.ts';
import type { Chain, Rule, Ruleset, Table } from '../model.ts';

/**
 * Refuses a ruleset in which a chain leads back to itself: the kernel would not take it, and a walk would not end.
 *
 * @throws ParseError SL1101 at the rule that closes the circle.
 */
export function refuseCircles(ruleset: Ruleset): void {
  for (const table of ruleset.tables) {
    const closing = findCircle(table);
    if (closing === undefined) continue;
    throw new ParseError(ruleset.source, closing.line, 1, `chain ${callee(closing)} calls itself through ${closing.chain}`, { code: 'SL1101' });
  }
}

/** A chain being searched, and the rule to look at next. */
interface Visit {
  chain: Chain;
  index: number;
}

/** Depth first without recursion: chains may call each other thousands deep. */
function findCircle(table: Table): Rule | undefined {
  const chains = new Map(table.chains.map((chain) => [chain.name, chain]));
  const finished = new Set<Chain>();
  for (const start of table.chains) {
    const open: Visit[] = finished.has(start) ? [] : [{ chain: start, index: 0 }];
    const onPath = new Set(open.map(({ chain }) => chain));
    for (let visit = open.at(-1); visit !== undefined; visit = open.at(-1)) {
      const rule = visit.chain.rules[visit.index];
      visit.index += 1;
      const next = rule === undefined ? undefined : chains.get(callee(rule) ?? '');
      if (rule === undefined) {
        finished.add(visit.chain);
        onPath.delete(visit.chain);
        open.pop();
      } else if (next !== undefined && onPath.has(next)) return rule;
      else if (next !== undefined && !finished.has(next)) {
        open.push({ chain: next, index: 0 });
        onPath.add(next);
      }
    }
  }
  return undefined;
}

const callee = ({ target }: Rule): string | undefined => (target.kind === 'jump' || target.kind === 'goto' ? target.chain : undefined);
