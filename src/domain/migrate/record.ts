/** What a migration in force is, as stored with its change. */

import type { Action, CounterMode, HookName, Outcome } from '../classifier/index.ts';
import { filterTable } from '../classifier/index.ts';
import { parseSave, printSave, type Backend, type Family, type Ruleset } from '../netfilter/index.ts';
import { actionBits } from './dispatch.ts';
import type { FamilyPlan, HookPlan } from './plan.ts';
import type { GenerationPins, MigrationPins } from './pins.ts';

/** File in the change's directory. */
export const RECORD_FILE = 'migration.json';

export interface MigrationRecord {
  version: 1;
  counters: CounterMode;
  keep: readonly string[];
  /** Directory of the namespace's pins, and the generation below it. */
  pins: string;
  generation: string;
  /** How many rulesets were in force before this one. */
  number: number;
  families: readonly FamilyRecord[];
}

export interface FamilyRecord {
  family: Family;
  backend: Backend;
  /** The filter table with the counters it had when it was migrated. */
  ruleset: string;
  hooks: readonly { hook: HookName; mode: HookPlan['mode'] }[];
  leaves: readonly Outcome[];
  actions: readonly Action[];
  imageDigest: string;
  imageBytes: number;
}

export function recordFamily(plan: FamilyPlan, live: Ruleset): FamilyRecord {
  return {
    family: plan.family,
    backend: plan.backend,
    ruleset: filterTextWithCounters(live),
    hooks: plan.hooks.map(({ hook, mode }) => ({ hook, mode })),
    leaves: plan.image.leaves,
    actions: plan.image.actions,
    imageDigest: plan.image.digest,
    imageBytes: plan.image.bytes.length,
  };
}

/** The filter table alone, with counters, as iptables-restore --counters takes it. */
export function filterTextWithCounters(ruleset: Ruleset): string {
  return printSave({ ...ruleset, tables: [filterTable(ruleset)!], layout: [{ table: 0 }], finalNewline: true }, { counters: true });
}

export const rulesetOf = ({ ruleset, family, backend }: FamilyRecord, source: string): Ruleset =>
  parseSave(ruleset, { family, backend, source });

/** Every path the plan pins, links first: an unpinned link is a detached one. */
export function pinnedPaths(pins: MigrationPins, generation: string, families: readonly FamilyPlan[]): string[] {
  const links = families.flatMap((plan) => plan.hooks.filter(({ mode }) => mode === 'link').map(({ hook }) => pins.link(plan.family, hook)));
  const programs = families.flatMap((plan) => generationPaths(pins.generation(generation, plan.family), plan));
  const folders = families.map((plan) => pins.generation(generation, plan.family).directory);
  return [...links, ...programs, ...folders, `${pins.directory}/${generation}`, pins.generations, pins.directory];
}

function generationPaths(pins: GenerationPins, plan: FamilyPlan): string[] {
  const bits = Array.from({ length: actionBits(plan) }, (_, bit) => bit);
  const dispatch = plan.hooks
    .filter(({ mode }) => mode === 'dispatch')
    .flatMap(({ hook }) => [pins.isAccept(hook), ...bits.map((bit) => pins.isBit(hook, bit))]);
  return [...dispatch, pins.decide, pins.image, pins.counters];
}
