import { readFileSync, writeFileSync } from 'node:fs';
import { hostname } from 'node:os';
import { OperationError } from '../../lib/errors.ts';
import { readDump, readRulesets, type Backend, type Family, type Ruleset } from '../netfilter/index.ts';
import type { CounterMode } from '../classifier/index.ts';
import { findMigration } from './inspect.ts';
import { describePlan, type PlanNode } from './plan-file.ts';
import { hasRules, planFamily } from './plan.ts';
import { writePlan } from './read-plan.ts';
import { reportPlan, type PlanReport } from './report.ts';

export interface PlanRequest {
  /** A dump instead of the live rules; needs no privilege. */
  file?: string;
  netns?: { path: string; label: string };
  families?: readonly Family[];
  backend?: Backend;
  counters: CounterMode;
  keep: readonly string[];
  /** Where to write the plan; nowhere when absent. */
  out?: string;
}

/**
 * Plans the migration of the live filter table, or of a dump.
 *
 * @throws UnsupportedRules for rules that cannot move; OperationError SL3012 when they already have, SL3014 when both
 *   backends hold rules and none was named, SL3015 when there is nothing to migrate.
 */
export async function makePlan(request: PlanRequest): Promise<PlanReport> {
  const { rulesets, warnings } = request.file === undefined ? await readLive(request) : { rulesets: [await readFile(request, request.file)], warnings: [] };
  const wanted = rulesets.filter((ruleset) => hasRules(ruleset) && (request.families ?? [ruleset.family]).includes(ruleset.family));
  if (wanted.length === 0) throw new OperationError('the filter table has nothing to migrate', { code: 'SL3015', reason: 'not-found', hints: ['sluice iptables list filter'] });
  const families = wanted.map((ruleset) => planFamily(ruleset, request));
  if (request.out !== undefined) {
    const node = request.file === undefined ? { node: thisNode(request) } : {};
    writeFileSync(request.out, writePlan(describePlan(families, { ...request, ...node, created: new Date() })), { mode: 0o600 });
  }
  return reportPlan(families, { counters: request.counters, warnings: [...warnings, ...foreignWriters(wanted), ...untrackedFragments(wanted)], ...(request.out === undefined ? {} : { out: request.out }) });
}

const readFile = ({ backend, families }: PlanRequest, path: string): Promise<Ruleset> =>
  readDump(path, { ...(backend === undefined ? {} : { backend }), ...(families?.length === 1 ? { family: families[0]! } : {}) });

async function readLive({ netns, backend }: PlanRequest): Promise<{ rulesets: Ruleset[]; warnings: string[] }> {
  const migration = await findMigration(netns);
  if (migration !== undefined)
    throw new OperationError(`already migrated by change ${migration.change.record.id}`, {
      code: 'SL3012',
      hints: ['plan a new version of the rules from a file: sluice migrate plan -f FILE', `go back: sluice change rollback ${migration.change.record.id}`],
    });
  const { rulesets, warnings } = await readRulesets({ ...(netns === undefined ? {} : { netns: netns.path }), backend: backend ?? 'all' });
  const filled = rulesets.filter(hasRules);
  if (backend === undefined && new Set(filled.map((ruleset) => ruleset.backend)).size > 1)
    throw new OperationError('iptables-legacy and iptables-nft both hold filter rules', { code: 'SL3014', hints: ['migrate one after the other: --backend legacy, then --backend nft'] });
  return { rulesets: filled, warnings };
}

function thisNode({ netns }: PlanRequest): PlanNode {
  return { hostname: hostname(), machineId: readOrEmpty('/etc/machine-id'), netns: netns?.label ?? '' };
}

function readOrEmpty(path: string): string {
  try {
    return readFileSync(path, 'latin1').trim();
  } catch {
    return '';
  }
}

/** Programs that rewrite their chains would put them back beside the migrated ones. */
function foreignWriters(rulesets: readonly Ruleset[]): string[] {
  const names = rulesets.flatMap(({ tables }) => tables.filter(({ name }) => name === 'filter').flatMap(({ chains }) => chains.map(({ name }) => name)));
  const writers = [['kube-proxy', /^KUBE-/], ['calico', /^cali-/], ['docker', /^DOCKER/], ['firewalld', /_direct$|_ZONES$/]] as const;
  return writers
    .filter(([, pattern]) => names.some((name) => pattern.test(name)))
    .map(([writer]) => `${writer} owns chains in the filter table and may write them again; keep them in iptables with --keep-in-iptables, or stop it`);
}

/**
 * iptables-nft compares bytes at the place of the transport header even in later fragments and cut-off headers, which the
 * packet key does not carry. Where connections are tracked there are no fragments, so only untracked rulesets are told.
 */
function untrackedFragments(rulesets: readonly Ruleset[]): string[] {
  return rulesets.filter(({ backend, tables }) => backend === 'nft' && !tables.some(({ chains }) => chains.some(({ rules }) => rules.some(({ matches }) => matches.some(({ kind }) => kind === 'conntrack' || kind === 'state')))))
    .map(({ family }) => `${family}: without connection tracking, later fragments and headers that are cut off are judged as iptables-legacy would, not byte for byte as iptables-nft does`);
}
