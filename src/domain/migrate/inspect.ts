/** What is migrated in a namespace, and how it is doing. */

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { NotFoundError } from '../../lib/errors.ts';
import { setTimeout as pause } from 'node:timers/promises';
import { BpfMap, enableStatistics, openPin, programInfo } from '../../kernel/bpf/index.ts';
import { netnsInode } from '../../kernel/netns/index.ts';
import { isInForce, listChanges, type Change } from '../changes/index.ts';
import { filterTable, numberRules, type HookName } from '../classifier/index.ts';
import { readRulesets, type Backend, type Chain, type Counters, type Family, type Ruleset } from '../netfilter/index.ts';
import { expandCounters, sumLeafCounters } from './counters.ts';
import { nativeRuleChain } from './dispatch.ts';
import { GenerationPins } from './pins.ts';
import { hasRules, ruleText } from './plan.ts';
import { filterTextWithCounters, RECORD_FILE, rulesetOf, type FamilyRecord, type MigrationRecord } from './record.ts';
import type { MigrationStatus, StatusRule } from './report.ts';

/** A migration in force. */
export interface Migration {
  change: Change;
  record: MigrationRecord;
  /** The filter tables as rules of iptables, with all that was counted so far: what a revert to them restores. */
  currentTables(): Promise<string[]>;
  /** Every path below its pins. */
  pinnedPaths(): string[];
}

type NetnsPath = { path: string; label: string };

/** The newest migration in force in a namespace; undefined when there is none, or a reboot has ended it. */
export async function findMigration(netns: NetnsPath | undefined): Promise<Migration | undefined> {
  const inode = netnsInode(netns?.path);
  const { items } = await listChanges();
  const change = items.find(({ record, state }) => record.kind === 'migrate' && record.namespace.inode === inode && isInForce(state));
  if (change === undefined || !existsSync(join(change.directory, RECORD_FILE))) return undefined;
  const record = JSON.parse(readFileSync(join(change.directory, RECORD_FILE), 'utf8')) as MigrationRecord;
  if (!existsSync(record.pins)) return undefined;
  return {
    change, record,
    currentTables: async () => {
      const counts = await countRules(record, netns);
      return record.families.map((family, i) => filterTextWithCounters(withCounters(rulesetOf(family, change.record.id), counts[i]!)));
    },
    pinnedPaths: () => listPins(record),
  };
}

/** The filter rules of one family and backend among what was read, if there are any. */
export function liveFilter(rulesets: readonly Ruleset[], { family, backend }: { family: Family; backend: Backend }): Ruleset | undefined {
  return rulesets.find((ruleset) => ruleset.family === family && ruleset.backend === backend && hasRules(ruleset));
}

/**
 * The migrated rules with live counters, and what the engine costs.
 *
 * @throws NotFoundError when nothing is migrated here.
 */
export async function readStatus(netns: NetnsPath | undefined): Promise<MigrationStatus> {
  const migration = await findMigration(netns);
  if (migration === undefined) throw new NotFoundError('nothing is migrated here', { hints: ['sluice migrate plan', 'sluice change list'] });
  const { record, change } = migration;
  const times = await measureRunTime(record);
  const counts = await countRules(record, netns);
  return {
    change: change.record.id,
    state: change.state,
    families: record.families.map((family, i) => describeEngine(family, record, times[i])),
    rules: record.families.flatMap((family, i) => statusRules(family, record, counts[i]!)),
    drift: record.families.flatMap((family) => findDrift(family, record)),
  };
}

/** What each rule counted, before and since, by rule id. */
interface RuleCounts {
  before: Counters[];
  since: Counters[];
}

async function countRules(record: MigrationRecord, netns: NetnsPath | undefined): Promise<RuleCounts[]> {
  const { rulesets } = await readRulesets({ ...(netns === undefined ? {} : { netns: netns.path }), backend: 'all' });
  return record.families.map((family) => {
    const original = rulesetOf(family, record.generation);
    const since = expandCounters(family.leaves, readLeafCounters(family, record), numberRules(original).count);
    const before = countersById(original);
    addNativeCounters(family, rulesets, before, since);
    return { before, since };
  });
}

function readLeafCounters(family: FamilyRecord, record: MigrationRecord): Counters[] {
  const pinned = openPin(generationPins(family, record).counters);
  if (pinned === undefined) return [];
  const map = BpfMap.adopt(pinned);
  try {
    return sumLeafCounters(map.readValues(), family.leaves.length);
  } finally {
    map.close();
  }
}

const generationPins = ({ family }: FamilyRecord, record: MigrationRecord): GenerationPins =>
  new GenerationPins(join(record.pins, record.generation, family));

function countersById(ruleset: Ruleset): Counters[] {
  const ids = numberRules(ruleset);
  const counters = Array.from({ length: ids.count }, (): Counters => ({ packets: 0n, bytes: 0n }));
  for (const chain of filterTable(ruleset)!.chains) {
    for (const rule of chain.rules) if (rule.counters !== undefined) counters[ids.id(chain.name, rule.number)] = rule.counters;
    if (chain.policy !== undefined && chain.counters !== undefined && isHook(chain.name)) counters[ids.policyId(chain.name)] = chain.counters;
  }
  return counters;
}

const isHook = (name: string): name is HookName => name === 'INPUT' || name === 'FORWARD' || name === 'OUTPUT';

/** Native and kept rules are counted by the kernel, which started from what they had. */
function addNativeCounters(family: FamilyRecord, rulesets: readonly Ruleset[], before: readonly Counters[], since: Counters[]): void {
  const live = filterTable(rulesets.find((ruleset) => ruleset.family === family.family && ruleset.backend === family.backend)!);
  const chains = new Map((live?.chains ?? []).map((chain) => [chain.name, chain]));
  for (const id of new Set(family.actions.flatMap(({ natives }) => natives)))
    setSince(id, chains.get(nativeRuleChain(id))?.rules[0]?.counters, before, since);
  const original = rulesetOf(family, 'record');
  const ids = numberRules(original);
  for (const chain of filterTable(original)!.chains) {
    const kept = chains.get(chain.name);
    if (kept === undefined || kept.rules.length !== chain.rules.length || family.hooks.some(({ hook }) => hook === chain.name)) continue;
    for (const rule of kept.rules) setSince(ids.id(chain.name, rule.number), rule.counters, before, since);
  }
}

function setSince(id: number, now: Counters | undefined, before: readonly Counters[], since: Counters[]): void {
  if (now === undefined) return;
  since[id] = { packets: now.packets - before[id]!.packets, bytes: now.bytes - before[id]!.bytes };
}

function statusRules(family: FamilyRecord, record: MigrationRecord, { before, since }: RuleCounts): StatusRule[] {
  const ruleset = rulesetOf(family, record.generation);
  const ids = numberRules(ruleset);
  const natives = new Set(family.actions.flatMap((action) => action.natives));
  const total = (id: number): Pick<StatusRule, 'packets' | 'bytes' | 'packetsSince'> => ({
    packets: before[id]!.packets + since[id]!.packets, bytes: before[id]!.bytes + since[id]!.bytes, packetsSince: since[id]!.packets,
  });
  return filterTable(ruleset)!.chains.flatMap((chain) => [
    ...chain.rules.map((rule): StatusRule => {
      const id = ids.id(chain.name, rule.number);
      const kept = record.keep.includes(chain.name);
      return { family: family.family, chain: chain.name, number: rule.number, ...total(id), by: kept || natives.has(id) ? 'iptables' : 'ebpf', text: ruleText(rule) };
    }),
    ...policyRow(family, chain, isHook(chain.name) ? total(ids.policyId(chain.name)) : undefined),
  ]);
}

function policyRow(family: FamilyRecord, chain: Chain, total: Pick<StatusRule, 'packets' | 'bytes' | 'packetsSince'> | undefined): StatusRule[] {
  if (chain.policy === undefined || total === undefined) return [];
  const migrated = family.hooks.some(({ hook }) => hook === chain.name);
  return [{ family: family.family, chain: chain.name, ...total, by: migrated ? 'ebpf' : 'iptables', text: `policy ${chain.policy}` }];
}

function withCounters(ruleset: Ruleset, { before, since }: RuleCounts): Ruleset {
  const ids = numberRules(ruleset);
  const sum = (id: number): Counters => ({ packets: before[id]!.packets + since[id]!.packets, bytes: before[id]!.bytes + since[id]!.bytes });
  const table = filterTable(ruleset)!;
  for (const chain of table.chains) {
    for (const rule of chain.rules) rule.counters = sum(ids.id(chain.name, rule.number));
    if (isHook(chain.name)) chain.counters = sum(ids.policyId(chain.name));
  }
  return ruleset;
}

/** How long packets are watched to tell what one costs. */
const SAMPLE_MS = 300;

/** Mean nanoseconds of one run of each family's programs over a short while; undefined where no packet came. */
async function measureRunTime(record: MigrationRecord): Promise<(number | undefined)[]> {
  // The kernel counts run times while this descriptor is open, and only then.
  using _statistics = enableStatistics();
  const before = record.families.map((family) => readRunTime(family, record));
  await pause(SAMPLE_MS);
  return record.families.map((family, i) => {
    const now = readRunTime(family, record);
    const runs = now.runs - before[i]!.runs;
    return runs === 0n ? undefined : Number((now.ns - before[i]!.ns) / runs);
  });
}

/** Runs and their time of every program that packets of the family meet: links' and those in the chains. */
function readRunTime(family: FamilyRecord, record: MigrationRecord): { ns: bigint; runs: bigint } {
  const pins = generationPins(family, record);
  const judges = family.hooks.map(({ hook, mode }) => (mode === 'link' ? pins.decide : pins.isAccept(hook)));
  const total = { ns: 0n, runs: 0n };
  for (const path of new Set(judges)) {
    using program = openPin(path);
    if (program === undefined) continue;
    const info = programInfo(program);
    total.ns += info.runTimeNs;
    total.runs += info.runs;
  }
  return total;
}

function describeEngine(family: FamilyRecord, record: MigrationRecord, nsPerPacket: number | undefined): MigrationStatus['families'][number] {
  const pins = generationPins(family, record);
  return {
    family: family.family,
    generation: record.number,
    hooks: family.hooks.map(({ hook, mode }) => `${hook} by ${mode}`).join(', '),
    imageBytes: family.imageBytes,
    memoryBytes: [pins.decide, pins.image, pins.counters].reduce((sum, path) => sum + pinnedMemory(path), 0),
    ...(nsPerPacket === undefined ? {} : { nsPerPacket }),
  };
}

function pinnedMemory(path: string): number {
  using fd = openPin(path);
  return memoryOf(fd?.number);
}

/** `memlock` of the descriptor's fdinfo: bytes the kernel holds for it. */
function memoryOf(fd: number | undefined): number {
  if (fd === undefined) return 0;
  return Number(/^memlock:\s*(\d+)/m.exec(readFileSync(`/proc/self/fdinfo/${fd}`, 'latin1'))?.[1] ?? 0);
}

/** Links that are gone: their hook's packets are judged by nobody. */
function findDrift(family: FamilyRecord, record: MigrationRecord): string[] {
  return family.hooks.filter(({ mode }) => mode === 'link').flatMap(({ hook }) => {
    using link = openPin(join(record.pins, `link-${family.family}-${hook}`));
    return link === undefined ? [`${family.family} ${hook}: the link is gone, so no rule is in force: sluice change rollback`] : [];
  });
}

function listPins({ pins, generation, families }: MigrationRecord): string[] {
  const paths: string[] = families.flatMap(({ family, hooks }) => hooks.map(({ hook }) => join(pins, `link-${family}-${hook}`)));
  for (const { family, hooks, actions } of families) {
    const own = new GenerationPins(join(pins, generation, family));
    const bits = Array.from({ length: Math.max(1, Math.ceil(Math.log2(actions.length))) }, (_, bit) => bit);
    for (const { hook } of hooks) paths.push(own.isAccept(hook), ...bits.map((bit) => own.isBit(hook, bit)));
    paths.push(own.decide, own.image, own.counters, own.directory);
  }
  return [...paths, join(pins, generation)].filter((path) => existsSync(path));
}
