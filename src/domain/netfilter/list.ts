import { NotFoundError, UsageError } from '../../lib/errors.ts';
import { holdsRules, readDump, readRulesets, type Rulesets } from './inspect.ts';
import { describePlace, listRows, type RowFilter, type RuleDetail, type RuleRow } from './listing/rows.ts';
import type { Backend, Family, Ruleset } from './model.ts';
import { printSaveBytes } from './save/print.ts';

/** Where rules come from: a dump, or the node. */
export interface ListRequest {
  file?: string;
  netns?: { path: string; label: string };
  families: readonly Family[];
  backend: Backend | 'auto' | 'all';
}

/** Rules of the node or a dump as rows. @throws NotFoundError when the filter names a place that is not there. */
export async function listRules(request: ListRequest, filter: RowFilter): Promise<{ items: RuleRow[]; complete: boolean; warnings: string[] }> {
  const { rulesets, warnings } = await readRequested(request);
  return { items: listRows(rulesets, filter), complete: true, warnings: [...warnings, ...uncounted(rulesets, filter)] };
}

/** Says so when rules are asked for by their counters and some have none. */
function uncounted(rulesets: readonly Ruleset[], { unused, top }: RowFilter): string[] {
  if (unused !== true && top === undefined) return [];
  const without = rulesets.filter(({ tables }) => tables.some(({ chains }) => chains.some(({ rules }) => rules.some(({ counters }) => counters === undefined))));
  return without.map(({ source }) => `${source}: rules without counters; iptables-save -c prints them`);
}

/** One chain or rule. */
export async function getRule(request: ListRequest, place: string): Promise<RuleDetail> {
  return describePlace((await readRequested(request)).rulesets, place);
}

/** The rules that were read, for machines and as text. */
export interface ExportedRules {
  rulesets: Ruleset[];
  /**
   * What iptables-save prints, byte for byte.
   *
   * @throws NotFoundError when there are no tables; UsageError for rules of several kinds, which no text can hold.
   */
  text(): Buffer;
}

/** Reads the rules to be exported. */
export async function exportRules(request: ListRequest): Promise<ExportedRules> {
  const { rulesets } = await readRequested(request);
  return { rulesets, text: () => printSaveBytes(onlyRuleset(rulesets)) };
}

function onlyRuleset(rulesets: readonly Ruleset[]): Ruleset {
  const filled = rulesets.filter(holdsRules);
  const [only, second] = filled.length > 0 ? filled : rulesets;
  if (only === undefined) throw new NotFoundError('there are no rules to export');
  if (second === undefined || filled.length === 0) return only;
  const kinds = filled.map(({ backend, family }) => `${backend} ${family}`);
  throw new UsageError('one text holds the rules of one family and backend', {
    causes: [`there are rules in ${kinds.join(', ')}`], hints: ['add -4 or -6, and --backend legacy or nft', 'use -o json for all of them'],
  });
}

/** The rulesets that a request means. */
export async function readRequested({ file, netns, families, backend }: ListRequest): Promise<Rulesets> {
  if (file === undefined) return await readRulesets({ families, backend, ...(netns === undefined ? {} : { netns: netns.path }) });
  const options = { ...(families.length === 1 ? { family: families[0]! } : {}), ...(backend === 'legacy' || backend === 'nft' ? { backend } : {}) };
  return { rulesets: [await readDump(file, options)], warnings: [] };
}
