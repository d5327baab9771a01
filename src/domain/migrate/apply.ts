/**
 * Puts a plan into force.
 *
 * Everything that can fail is done first and touches nothing: compile, load, prove. Then the change begins, with its revert
 * on disk and its timer running. The switch itself never leaves a packet unjudged: the new judge is in place before the
 * old one goes, and while both are there a packet passes only if both let it.
 */

import { rmSync } from 'node:fs';
import { hostname, networkInterfaces } from 'node:os';
import { performance } from 'node:perf_hooks';
import { OperationError, SyscallError } from '../../lib/errors.ts';
import { attachNetfilter, BpfMap, ensureBpffs, indexKey, openPin, pin, type LoadedObject } from '../../kernel/bpf/index.ts';
import { netnsInode } from '../../kernel/netns/index.ts';
import { bpf } from '../../kernel/uapi/index.ts';
import { need } from '../../tools/index.ts';
import { restoreProgram, restoreTable } from '../../tools/iptables.ts';
import { beginChange, type RevertStep } from '../changes/index.ts';
import { HOOKS, type HookName } from '../classifier/index.ts';
import { readRulesets, type Family, type Ruleset } from '../netfilter/index.ts';
import { actionBits, dispatchTable } from './dispatch.ts';
import { loadDispatch, loadEntry, loadGeneration, slotOf, type Generation } from './engine/apply.ts';
import { findMigration, liveFilter, type Migration } from './inspect.ts';
import type { FamilyPlan } from './plan.ts';
import { filterText, type PlanFile } from './plan-file.ts';
import { readPlanFile } from './read-plan.ts';
import { MigrationPins } from './pins.ts';
import { proveGeneration } from './prove.ts';
import { filterTextWithCounters, pinnedPaths, RECORD_FILE, recordFamily, type MigrationRecord } from './record.ts';
import type { MigrationApplied } from './report.ts';
import { checkSession, type SshSession } from './session.ts';

export interface ApplyRequest {
  plan: string;
  netns?: { path: string; label: string };
  argv: readonly string[];
  confirmWithinMs?: number;
  force: boolean;
  /** `client`: check the plan only. `kernel`: load and prove as well, then let go. */
  dryRun?: 'client' | 'kernel';
  /** `SSH_CONNECTION` of the caller. */
  sshConnection?: string;
  progress: (what: string) => void;
}

/**
 * Just before iptables' filter table at NF_IP_PRI_FILTER, which is 0: the kernel refuses a BPF program at a priority that
 * any other hook has (`nf_hook_entries_grow`). Lower ones are tried when this is taken.
 */
const PRIORITIES = [-1, -2, -3, -4];

/**
 * Applies a plan file.
 *
 * @throws OperationError SL3012 when the live rules are not those of the plan, SL3013 when the plan is for another node,
 *   SL3005 when the own SSH session would be cut, SL3101 when the image in the kernel is not what the rules say; nothing
 *   was changed then. SL4001 or SL4002 when applying failed and was reverted, or could not be.
 */
export async function applyPlan(request: ApplyRequest): Promise<MigrationApplied> {
  const { file, families } = readPlanFile(request.plan);
  const inode = netnsInode(request.netns?.path);
  const earlier = await findMigration(request.netns);
  request.progress('reading the live rules');
  checkNode(file, request);
  const live = await readLive(families, request, earlier);
  if (!request.force) checkOwnSession(families, request);
  if (request.dryRun === 'client') return dryRun(families, 'checked against the live rules; not loaded');
  const loaded = loadFamilies(families, request.progress);
  try {
    const proof = proveFamilies(families, loaded, file, request.progress);
    if (request.dryRun === 'kernel') return dryRun(families, proof);
    return await putIntoForce({ request, file, families, loaded, live, earlier, pins: new MigrationPins(ensureBpffs(), inode), proof });
  } finally {
    for (const { generation } of loaded) generation.close();
  }
}

interface LoadedFamily {
  plan: FamilyPlan;
  generation: Generation;
  dispatch: Map<HookName, { isAccept: LoadedObject; isBit: LoadedObject[] }>;
}

interface Switch {
  request: ApplyRequest;
  file: PlanFile;
  families: readonly FamilyPlan[];
  loaded: readonly LoadedFamily[];
  live: readonly Ruleset[];
  earlier: Migration | undefined;
  pins: MigrationPins;
  proof: string;
}

function checkNode({ node }: PlanFile, { netns }: ApplyRequest): void {
  const label = netns?.label ?? '';
  if (node === undefined || (node.hostname === hostname() && node.netns === label)) return;
  const place = (host: string, where: string): string => (where === '' ? host : `${host}, namespace ${where}`);
  throw new OperationError(`the plan was made for ${place(node.hostname, node.netns)}, this is ${place(hostname(), label)}`, {
    code: 'SL3013',
    hints: ['make a plan here: sluice migrate plan'],
  });
}

/** The rules as they are now; they must be those of the plan, or a plan must follow an earlier migration. */
async function readLive(families: readonly FamilyPlan[], request: ApplyRequest, earlier: Migration | undefined): Promise<Ruleset[]> {
  if (earlier !== undefined) return families.map(({ ruleset }) => ruleset);
  const { rulesets } = await readRulesets({ ...(request.netns === undefined ? {} : { netns: request.netns.path }), backend: 'all' });
  return families.map((plan) => {
    const live = liveFilter(rulesets, plan);
    if (live !== undefined && filterText(live) === filterText(plan.ruleset)) return live;
    throw new OperationError(`the live ${plan.family} rules are not those of the plan`, {
      code: 'SL3012',
      causes: [live === undefined ? `iptables-${plan.backend} holds no ${plan.family} filter rules here` : 'they changed since the plan was made'],
      hints: ['make the plan again: sluice migrate plan'],
    });
  });
}

function checkOwnSession(families: readonly FamilyPlan[], { sshConnection }: ApplyRequest): void {
  const [client, clientPort, server, serverPort] = (sshConnection ?? '').split(' ');
  if (serverPort === undefined) return;
  const device = Object.entries(networkInterfaces()).find(([, addresses]) => addresses?.some(({ address }) => address === server))?.[0];
  if (device === undefined) return;
  const session: SshSession = { client: client!, clientPort: Number(clientPort), server: server!, serverPort: Number(serverPort), device };
  checkSession(families, session);
}

function loadFamilies(families: readonly FamilyPlan[], progress: (what: string) => void): LoadedFamily[] {
  const loaded: LoadedFamily[] = [];
  try {
    for (const plan of families) {
      progress(`loading the ${plan.family} image (${plan.image.words * 4} bytes)`);
      const generation = loadGeneration(plan.family, plan.image);
      const family: LoadedFamily = { plan, generation, dispatch: new Map() };
      loaded.push(family);
      for (const { hook, mode } of plan.hooks)
        if (mode === 'dispatch') family.dispatch.set(hook, loadDispatch(plan.family, plan.image, generation, hook, actionBits(plan)));
    }
    return loaded;
  } catch (error) {
    for (const { generation } of loaded) generation.close();
    throw error;
  }
}

function proveFamilies(families: readonly FamilyPlan[], loaded: readonly LoadedFamily[], file: PlanFile, progress: (what: string) => void): string {
  progress('proving the image in the kernel');
  let pairs = 0;
  for (const { plan, generation } of loaded)
    for (const proof of proveGeneration(plan, file.counters, generation.readBack)) {
      pairs += proof.pairs;
      if (proof.equal) continue;
      throw new OperationError(`the ${plan.family} ${proof.hook} image in the kernel is not what the rules say`, {
        code: 'SL3101',
        causes: proof.counterExample === undefined ? [] : [`${proof.counterExample.packet}: the rules say ${proof.counterExample.expected}, the image says ${proof.counterExample.actual}`],
      });
    }
  return `equal to the rules for every packet (${families.map(({ image }) => image.digest.slice(0, 12)).join(', ')}; ${pairs} pairs of nodes)`;
}

function dryRun(families: readonly FamilyPlan[], proof: string): MigrationApplied {
  return { change: '-', snapshot: '-', check: 'dry run: nothing was changed', proof, summary: describeChange(families), switchTime: '-' };
}

async function putIntoForce(parts: Switch): Promise<MigrationApplied> {
  const { request, families, pins, earlier } = parts;
  const record = (generation: string): MigrationRecord => ({
    version: 1, counters: parts.file.counters, keep: parts.file.keepInIptables, pins: pins.directory, generation,
    number: (earlier?.record.number ?? 0) + 1, families: families.map((plan, i) => recordFamily(plan, parts.live[i]!)),
  });
  const generation = `g${(earlier?.record.number ?? 0) + 1}`;
  const texts = families.map((plan) => dispatchTable(plan, parts.file.keepInIptables, pins.generation(generation, plan.family)));
  request.progress('writing the snapshot and the revert');
  const before = earlier === undefined ? parts.live.map(filterTextWithCounters) : await earlier.currentTables();
  const change = await beginChange({
    kind: 'migrate',
    summary: describeChange(families),
    argv: request.argv,
    ...(request.netns === undefined ? {} : { netns: request.netns }),
    ...(request.confirmWithinMs === undefined ? {} : { confirmWithinMs: request.confirmWithinMs }),
    files: { ...Object.fromEntries(families.map((plan, i) => [`filter.${plan.family}`, before[i]!])), [RECORD_FILE]: JSON.stringify(record(generation)) },
    revertSteps: revertSteps(parts, generation),
    diff: { before: before.join(''), after: texts.join('') },
  });
  let took: number;
  try {
    request.progress('switching');
    took = await switchOver(parts, generation, texts);
  } catch (error) {
    return await change.fail(error);
  }
  const applied = await change.applied({ switchMs: took });
  if (earlier !== undefined) dropGeneration(pins, earlier);
  return {
    change: change.id,
    snapshot: `${change.directory} (filter table with counters, revert.sh)`,
    check: request.sshConnection === undefined ? 'no SSH session to keep' : request.force ? 'not made (--force)' : 'your SSH session passes the new rules',
    proof: parts.proof,
    summary: describeChange(families),
    switchTime: `${took.toFixed(3)} ms`,
    ...(applied.revertsAt === undefined ? {} : { revertsAt: applied.revertsAt }),
  };
}

const describeChange = (families: readonly FamilyPlan[]): string =>
  families.map((plan) => `${plan.handling.length} ${plan.family} rules to eBPF (${plan.hooks.map(({ hook, mode }) => `${hook} ${mode}`).join(', ')})`).join('; ');

/** The old table first, so that two judges stand together for a moment; then the links and all other pins go. */
function revertSteps({ families, pins, earlier }: Switch, generation: string): RevertStep[] {
  const restores = families.map((plan): RevertStep => {
    const argv = [need(restoreProgram(plan.family, plan.backend)), '--counters', '--wait', '10'] as const;
    return { title: `restore the ${plan.family} filter table`, argv, stdinFile: `filter.${plan.family}`, check: [...argv, '--test'] };
  });
  const old = earlier === undefined ? [] : earlier.pinnedPaths();
  const remove = [...new Set([...old, ...pinnedPaths(pins, generation, families)])];
  // Links first, folders last, whichever generation they belong to.
  const rank = (path: string): number => (/\/link-[^/]*$/.test(path) ? 0 : path === pins.directory ? 3 : path === pins.generations ? 2 : 1);
  return [...restores, { title: 'detach and remove the eBPF programs', remove: remove.sort((a, b) => rank(a) - rank(b)) }];
}

/**
 * The switch. Links of hooks that eBPF judges get the new generation, or are attached; then the tables change; then links
 * of hooks that the table's dispatch judges from now on go.
 *
 * @returns milliseconds from the first change that packets can notice to the last
 */
async function switchOver({ request, families, loaded, pins }: Switch, generation: string, texts: readonly string[]): Promise<number> {
  const slots = openGenerations(pins);
  try {
    for (const family of loaded) pinGeneration(family, pins, generation);
    const entries = loaded.flatMap((family) => newEntries(family, pins, slots));
    const start = performance.now();
    for (const { plan, generation: { decide } } of loaded)
      for (const { hook, mode } of plan.hooks)
        if (mode === 'link') slots.update(indexKey(slotOf(plan.family, hook)), indexKey(decide.fd.number));
    for (const entry of entries) attach(entry, pins, request.netns?.path);
    const swapped = performance.now();
    for (const [i, plan] of families.entries()) await replaceTable(plan, texts[i]!, request.netns?.path);
    for (const plan of families) detachUnused(plan, pins);
    return entries.length === 0 && families.every(({ hooks }) => hooks.every(({ mode }) => mode === 'link')) ? swapped - start : performance.now() - start;
  } finally {
    slots.close();
  }
}

/** The namespace's program array, made at the first migration. */
function openGenerations(pins: MigrationPins): BpfMap {
  const pinned = openPin(pins.generations);
  if (pinned !== undefined) return BpfMap.adopt(pinned);
  const map = BpfMap.create({ name: 'generations', type: bpf.BPF_MAP_TYPE_PROG_ARRAY, keySize: 4, valueSize: 4, maxEntries: 8, flags: 0 });
  pin(map.fd, pins.generations);
  return map;
}

function pinGeneration({ plan, generation, dispatch }: LoadedFamily, pins: MigrationPins, id: string): void {
  const paths = pins.generation(id, plan.family);
  pin(generation.decide.fd, paths.decide);
  pin(generation.image.fd, paths.image);
  pin(generation.counters.fd, paths.counters);
  for (const [hook, { isAccept, isBit }] of dispatch) {
    pin(isAccept.program('is_accept').fd, paths.isAccept(hook));
    for (const [bit, object] of isBit.entries()) pin(object.program('is_bit').fd, paths.isBit(hook, bit));
  }
}

interface Entry {
  family: Family;
  hook: HookName;
  object: LoadedObject;
}

/** Entry programs for hooks that have no link yet; loaded before the clock runs. */
function newEntries({ plan }: LoadedFamily, pins: MigrationPins, slots: BpfMap): Entry[] {
  return plan.hooks.flatMap(({ hook, mode }): Entry[] => {
    const existing = openPin(pins.link(plan.family, hook));
    existing?.close();
    return mode === 'link' && existing === undefined ? [{ family: plan.family, hook, object: loadEntry(plan.family, hook, slots) }] : [];
  });
}

function attach({ family, hook, object }: Entry, pins: MigrationPins, netns: string | undefined): void {
  using link = attachAtFilter(object, family === 'ipv4' ? 2 : 10, HOOKS[hook], netns);
  pin(link, pins.link(family, hook));
  object.close();
}

function attachAtFilter(object: LoadedObject, family: 2 | 10, hook: number, netns: string | undefined): ReturnType<typeof attachNetfilter> {
  let busy: unknown;
  for (const priority of PRIORITIES) {
    try {
      return attachNetfilter(object.program('entry'), { family, hook, priority }, netns);
    } catch (error) {
      if (!(error instanceof SyscallError) || error.errnoName !== 'EBUSY') throw error;
      busy = error;
    }
  }
  throw new OperationError('no priority is free just before the filter table', { code: 'SL3021', reason: 'busy', causes: [(busy as Error).message], hints: ['nft list hooks'] });
}

async function replaceTable(plan: FamilyPlan, text: string, netns: string | undefined): Promise<void> {
  await restoreTable(text, { family: plan.family, backend: plan.backend, counters: true, ...(netns === undefined ? {} : { netns }) });
}

/** Unpinning a link detaches it. */
function detachUnused(plan: FamilyPlan, pins: MigrationPins): void {
  for (const hook of Object.keys(HOOKS) as HookName[])
    if (plan.hooks.find((candidate) => candidate.hook === hook)?.mode !== 'link') rmSync(pins.link(plan.family, hook), { force: true });
}

/** The programs that were replaced; the revert of the new change does not need them. */
function dropGeneration(pins: MigrationPins, earlier: Migration): void {
  rmSync(`${pins.directory}/${earlier.record.generation}`, { recursive: true, force: true });
}
