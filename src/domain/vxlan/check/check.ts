/**
 * `vxlan check`: how both ends look, what happens while they are tried, and what that means.
 *
 *   audits  →  drops, counters and FDB moves watched { echo requests, datagrams, connections }  →  audits again  →  checks
 */

import { setTimeout as sleep } from 'node:timers/promises';
import { OperationError, SluiceError, UsageError } from '../../../lib/errors.ts';
import { IANA_PORT } from '../model.ts';
import { readAudit, tunnelNames } from './audit/inspect.ts';
import { difference } from './audit/counters.ts';
import { DropWatch, TracedDrops } from './drops/watch.ts';
import { evaluate, firewallIsKnown } from './evaluate.ts';
import type { CheckOutcome } from './finding.ts';
import type { Audit, End, PathProbe, Probe, Situation, TransportProbe } from './model.ts';
import { MoveWatch } from './moves/watch.ts';
import { chooseTunnel } from './peer/choose.ts';
import { netnsPeer, sshPeer } from './peer/inspect.ts';
import type { Peer } from './peer/model.ts';
import { measurePaths } from './probe/path.ts';
import { ping } from './probe/ping/inspect.ts';
import { tryPorts, tryTransports } from './probe/port/inspect.ts';
import { fullTargets, lookupsFor, transportTargets, tunnelTargets, underlayTargets } from './probe/targets.ts';

/** What to check, and how far to go for it. */
export interface CheckRequest {
  /** All tunnels of the namespace when absent. */
  name?: string | undefined;
  netns?: { path: string; label: string };
  /** Underlay address of the only remote to look at. */
  remote?: string | undefined;
  peerNetns?: readonly string[];
  peerSsh?: readonly string[];
  /** Send nothing. */
  static?: boolean;
  /** Least time that is watched. */
  intervalMs?: number;
}

/** What came of one tunnel. */
export interface TunnelCheck {
  tunnel: string;
  vni?: number;
  /** Ends that were looked at. */
  ends: string[];
  healthy: boolean;
  checks: CheckOutcome[];
  probes: Probe[];
  paths: PathProbe[];
  /** What could not be looked at. */
  notes: string[];
  /** Something of that could hide a failure. */
  isUncertain: boolean;
}

/** Everything that was checked. */
export interface CheckReport {
  tunnels: TunnelCheck[];
  healthy: boolean;
  isUncertain: boolean;
}

/**
 * Checks one tunnel or all of a namespace.
 *
 * @throws NotFoundError SL6101 for a device that is not there, SL6105 for a peer without the tunnel; OperationError SL6104 when there
 *   is nothing to check.
 */
export async function checkTunnels(request: CheckRequest): Promise<CheckReport> {
  const candidates = tunnelNames(request.netns?.path);
  const names = request.name === undefined ? candidates.map(({ name }) => name) : [request.name];
  if (names.length === 0) throw new OperationError('there is no VXLAN device to check', { code: 'SL6104', reason: 'not-found', hints: ['sluice vxlan create'] });
  const tunnels: TunnelCheck[] = [];
  for (const name of names) tunnels.push(await checkTunnel(name, candidates.find((one) => one.name === name || one.altNames.includes(name)), request));
  return { tunnels, healthy: tunnels.every(({ healthy }) => healthy), isUncertain: tunnels.some(({ isUncertain }) => isUncertain) };
}

/** The audit of one end, for `check --audit`, which another node asks for. `vni` helps where the name differs. */
export async function auditTunnel({ name, vni, netns, lookups }: { name: string; vni?: number | undefined; netns?: { path: string }; lookups: readonly string[] }): Promise<{ audit: Audit }> {
  const chosen = chooseTunnel(tunnelNames(netns?.path), { name, vni }, 'this node');
  return { audit: await readAudit({ name: chosen, netns: netns?.path, lookups }) };
}

async function checkTunnel(name: string, { vni, port }: { vni?: number | undefined; port?: number | undefined } = {}, request: CheckRequest): Promise<TunnelCheck> {
  const peers = [...(request.peerNetns ?? []).map((one) => netnsPeer(one, { name, vni })), ...(request.peerSsh ?? []).map((one) => sshPeer(one, { name, vni }))];
  const netns = request.netns?.path;
  const here: Peer = { label: 'here', ...(netns === undefined ? {} : { netns }), read: async (lookups) => only(await readAudit({ name, netns, lookups }), request.remote) };
  const { situation, notes } = await observe(here, peers, { ...request, port });
  const checks = evaluate(situation);
  return {
    tunnel: name, ...(vni === undefined ? {} : { vni }), ends: [here, ...peers].map(({ label }) => label), checks, probes: situation.probes, paths: situation.paths,
    healthy: checks.every(({ findings }) => findings.length === 0), notes, isUncertain: !firewallIsKnown(situation),
  };
}

/** The audit as if there were only one remote. @throws UsageError SL6103 when the FDB does not send there. */
function only(audit: Audit, remote: string | undefined): Audit {
  if (remote === undefined) return audit;
  const remotes = audit.remotes.filter(({ address }) => address === remote);
  if (remotes.length === 0) {
    const known = audit.remotes.map(({ address }) => address).slice(0, 8);
    throw new UsageError(`the FDB of ${audit.tunnel.name} does not send to ${remote}`, { code: 'SL6103', causes: known.length === 0 ? ['it sends nowhere'] : [`it sends to ${known.join(', ')}`] });
  }
  return { ...audit, remotes };
}

interface Tried {
  probes: Probe[];
  transports: TransportProbe[];
}

/** Small packets were answered already. */
const FULL_PATIENCE_MS = 400;

const NOTHING: Tried = { probes: [], transports: [] };

async function observe(here: Peer, peers: readonly Peer[], { static: isStatic = false, intervalMs = 0, port = IANA_PORT }: CheckRequest & { port: number | undefined }): Promise<{ situation: Situation; notes: string[] }> {
  // Drops are watched from before the first counters are read until after the last: whatever was counted has its reason.
  using watch = isStatic ? undefined : watchDrops([here, ...peers], port);
  const before = await Promise.all([here, ...peers].map((end) => end.read([])));
  using moves = isStatic ? undefined : new MoveWatch(before[0]!.tunnel.ifindex, before[0]!.fdb, here.netns);
  const [tried] = isStatic ? [NOTHING] : await Promise.all([tryOut(before, here.netns), sleep(intervalMs)]);
  const after = await Promise.all([here, ...peers].map((end, i) => end.read(lookupsFor(before[i]!, before.filter((_, k) => k !== i)))));
  const drops = [here, ...peers].map((end) => watch?.drops(end));
  const ends = [here, ...peers].map(({ label }, i): End => ({
    label, audit: after[i]!, counted: difference(before[i]!.counters, after[i]!.counters), drops: drops[i] ?? [], moves: i === 0 ? moves?.moves ?? [] : [], sawDrops: watch?.sawDrops([here, ...peers][i]!) === true,
  }));
  const paths = isStatic ? [] : await measurePaths(after[0]!, tried.probes, here.netns);
  const notes = [...new Set([...after.flatMap((audit) => audit.notes), ...(watch?.notes() ?? [])])];
  return { situation: { here: ends[0]!, peers: ends.slice(1), ...tried, paths, static: isStatic }, notes };
}

/** Everything at once: what one probe does must not be told from what another does. */
async function tryOut([here, ...peers]: readonly Audit[], netns: string | undefined): Promise<Tried> {
  const targets = underlayTargets(here!);
  let isAnswered = false;
  const pings = ping([...targets, ...tunnelTargets(here!, peers)], netns).then((all) => {
    isAnswered = all.every(({ answered }) => answered > 0);
    return all;
  });
  const [probes, refused, transports] = await Promise.all([
    pings, tryPorts(here!, targets, netns, () => isAnswered), tryTransports(transportTargets(here!, peers), netns),
  ]);
  const full = await ping(fullTargets(here!, probes), netns, FULL_PATIENCE_MS);
  return { probes: [...probes, ...full].map((probe) => (probe.what === 'underlay' && refused.includes(probe.to) ? { ...probe, error: 'port unreachable' } : probe)), transports };
}

/** What is thrown away while we try. */
interface Watch extends Disposable {
  /** Undefined where it cannot be watched: another node, or a kernel that lets us not. */
  drops(end: Peer): End['drops'] | undefined;
  /** Whether drops are told apart by what was dropped. */
  sawDrops(end: Peer): boolean;
  notes(): string[];
}

function watchDrops(ends: readonly Peer[], port: number): Watch {
  const [here] = ends;
  const seen = ends.filter((end) => end === here || end.netns !== undefined);
  const { watch, traced, notes } = openDrops(seen.map(({ netns }) => netns), port);
  return {
    notes: () => [...notes, ...(watch !== undefined && watch.lost > 0 ? [`${watch.lost} drops were not counted: they are of too many kinds`] : [])],
    drops: (end) => (seen.includes(end) ? watch?.read(end.netns) : undefined) ?? (end === here ? traced?.read() : undefined),
    sawDrops: (end) => watch !== undefined && seen.includes(end),
    [Symbol.dispose]: () => {
      for (const one of [watch, traced]) one?.[Symbol.dispose]();
    },
  };
}

/** By a program, else by the text of the tracepoint, else not at all: then counters alone must do. */
function openDrops(netns: readonly (string | undefined)[], port: number): { watch?: DropWatch; traced?: TracedDrops; notes: string[] } {
  const watch = attempt(() => new DropWatch(netns, port));
  if (typeof watch !== 'string') return { watch, notes: [] };
  const traced = attempt(() => new TracedDrops());
  if (typeof traced !== 'string') return { traced, notes: [`drop reasons are those of the whole machine: ${watch}`] };
  return { notes: [`drop reasons were not watched: ${watch}; ${traced}`] };
}

/** What was opened, or why it was not. */
function attempt<T extends Disposable>(open: () => T): T | string {
  try {
    return open();
  } catch (error) {
    if (error instanceof SluiceError) return error.message;
    throw error;
  }
}
