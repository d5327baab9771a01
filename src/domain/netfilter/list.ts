import { NotFoundError } from '../../lib/errors.ts';
import { readDump, readRulesets, type Rulesets } from './inspect.ts';
import { describePlace, listRows, type RowFilter, type RuleDetail, type RuleRow } from './listing/rows.ts';
import type { Backend, Family } from './model.ts';
import { printSave } from './save/print.ts';

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
  return { items: listRows(rulesets, filter), complete: true, warnings };
}

/** One chain or rule. */
export async function getRule(request: ListRequest, place: string): Promise<RuleDetail> {
  return describePlace((await readRequested(request)).rulesets, place);
}

/** Everything that was read, as iptables-save prints it. @throws NotFoundError when there is nothing. */
export async function exportRules(request: ListRequest): Promise<{ text: string; rulesets: Rulesets['rulesets'] }> {
  const { rulesets } = await readRequested(request);
  if (rulesets.length === 0) throw new NotFoundError('there are no rules to export');
  return { text: rulesets.map((ruleset) => printSave(ruleset)).join(''), rulesets };
}

/** The rulesets that a request means. */
export async function readRequested({ file, netns, families, backend }: ListRequest): Promise<Rulesets> {
  if (file === undefined) return await readRulesets({ families, backend, ...(netns === undefined ? {} : { netns: netns.path }) });
  const options = { ...(families.length === 1 ? { family: families[0]! } : {}), ...(backend === 'legacy' || backend === 'nft' ? { backend } : {}) };
  return { rulesets: [readDump(file, options)], warnings: [] };
}
