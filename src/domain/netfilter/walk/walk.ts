import type { ConntrackState, Ruleset } from '../model.ts';
import { refuseCircles } from './circles.ts';
import type { HookName, Verdict } from './effect.ts';
import { Protocol, type Packet } from './packet.ts';
import { extend, PATH_LIMIT, TOO_MANY, type Progress, type Step } from './path.ts';
import { sameAddress, type Origin, type Route, type Routing } from './routing.ts';
import { FORWARD, INPUT, OUTPUT, PREROUTING, type Stage } from './stages.ts';
import { runTable, walkTable, type TableEnd, type WalkTable } from './table.ts';

/** A packet to follow through a node. */
export interface WalkRequest {
  /** Every ruleset of the packet's family that judges on the node; at one priority they are walked in this order. */
  rulesets: readonly Ruleset[];
  /** The packet as it comes in, or leaves the sending process; its `states` do not matter. */
  packet: Packet;
  /** What conntrack will say of it: one of the five states, and DNAT or SNAT for a translated connection. */
  states: readonly ConntrackState[];
  origin: Origin;
  routing: Routing;
}

/** How a path ends. */
export type WalkEnd = Verdict | { undetermined: string };

/** One way the packet can go, to its end. */
export interface WalkPath extends Progress {
  end: WalkEnd;
}

interface Branch extends Progress {
  stages: readonly Stage[];
  origin: Origin;
  /** The packet came back over the loopback device: it has its connection already. */
  looped: boolean;
  /** The packet as the last routing decision saw it. */
  routed: Packet;
  /** That decision was: to this node. */
  toSelf: boolean;
}

type JudgedBranch = Branch & { mapped: boolean };

interface Walker extends WalkRequest {
  tables: readonly WalkTable[];
}

interface Advance {
  branches: Branch[];
  ends: WalkPath[];
}

/**
 * Follows a packet through all tables at all hooks that it passes, in the kernel's order, and returns every way it can go.
 *
 * ACCEPT ends one table at one hook only; a drop is final. A packet that the node sends to itself passes OUTPUT and
 * POSTROUTING and then, over the loopback device, PREROUTING and INPUT.
 *
 * @throws ParseError SL1101 when chains call each other in a circle.
 */
export async function walkPacket(request: WalkRequest): Promise<WalkPath[]> {
  request.rulesets.forEach(refuseCircles);
  const tables = request.rulesets.flatMap(({ backend, tables: list }) => list.map((table) => walkTable(backend, table)));
  const walker = { ...request, tables };
  const first = await begin(walker);
  const ends = [...first.ends];
  let open = first.branches;
  while (open.length > 0) {
    const steps = await Promise.all(open.map((branch) => advance(branch, walker)));
    ends.push(...steps.flatMap((step) => step.ends));
    open = steps.flatMap((step) => step.branches);
    if (ends.length + open.length > PATH_LIMIT) return [{ ...(open[0] ?? ends[0]!), end: TOO_MANY }];
  }
  return ends;
}

/** A packet of the node's own is routed before any rule sees it. Without a connection the state is INVALID. */
function begin(walker: Walker): Promise<Advance> {
  const { origin } = walker;
  const sides = origin === 'local' ? { inInterface: '' } : { outInterface: '' };
  const packet: Packet = { ...walker.packet, ...sides, states: ['INVALID'] };
  const branch: Branch = {
    packet, origin, steps: undefined, assumptions: undefined, probability: 1, settled: [], looped: false, routed: packet,
    toSelf: false, stages: origin === 'local' ? OUTPUT : PREROUTING,
  };
  return origin === 'local' ? sendOut(branch, walker) : Promise.resolve({ branches: [branch], ends: [] });
}

async function advance(branch: Branch, walker: Walker): Promise<Advance> {
  const [stage, ...stages] = branch.stages;
  const rest = { ...branch, stages };
  switch (stage?.kind) {
    case undefined: return finish(branch);
    case 'table': return judge(rest, stage.hook, stage.table, walker);
    case 'nat': return translate(rest, stage.hook, stage.settles, walker);
    case 'conntrack': return { branches: [track(rest, walker)], ends: [] };
    case 'route': return deliver(rest, walker);
    case 'reroute': return isRoutedAlike(rest.packet, rest.routed) ? { branches: [rest], ends: [] } : sendOut(rest, walker);
  }
}

/** Behind the last stage: done, or back in over the loopback device. */
function finish(branch: Branch): Advance {
  if (branch.origin === 'outside' || !branch.toSelf) return { branches: [], ends: [{ ...branch, end: 'accept' }] };
  const packet: Packet = { ...branch.packet, inInterface: 'lo', outInterface: '' };
  return { branches: [{ ...branch, packet, origin: 'outside', looped: true, stages: PREROUTING }], ends: [] };
}

/** Walks the tables of one name at one hook, of every ruleset. */
function judge(branch: Branch, hook: HookName, name: string, walker: Walker): Advance {
  let branches = [branch];
  const ends: WalkPath[] = [];
  for (const table of walker.tables.filter((candidate) => candidate.name === name)) {
    const outcome = judgeBy(table, branches, hook, walker);
    ends.push(...outcome.ends);
    branches = outcome.branches;
  }
  return { branches, ends };
}

/** The nat chains of one hook. The first table that maps the connection settles it; the others are not asked. */
function translate(branch: Branch, hook: HookName, settles: 'source' | 'destination', walker: Walker): Advance {
  if (branch.settled.includes(settles) || !isFirstOfConnection(branch.packet)) return { branches: [branch], ends: [] };
  let open = [branch];
  const mapped: Branch[] = [];
  const ends: WalkPath[] = [];
  for (const table of walker.tables.filter(({ name }) => name === 'nat')) {
    const outcome = judgeBy(table, open, hook, walker);
    ends.push(...outcome.ends);
    mapped.push(...outcome.branches.filter((one) => one.mapped));
    open = outcome.branches.filter((one) => !one.mapped);
  }
  return { branches: [...mapped, ...open].map((one) => ({ ...one, settled: [...one.settled, settles] })), ends };
}

/** @kernel net/netfilter/nf_nat_core.c nf_nat_inet_fn: NEW, and RELATED unless it is an ICMP error */
function isFirstOfConnection({ states, protocol }: Packet): boolean {
  if (states?.includes('NEW')) return true;
  return states?.includes('RELATED') === true && protocol !== Protocol.ICMP && protocol !== Protocol.ICMPV6;
}

/** Walks every branch through one table. */
function judgeBy(table: WalkTable, branches: readonly Branch[], hook: HookName, walker: Walker): { branches: JudgedBranch[]; ends: WalkPath[] } {
  const accepted: JudgedBranch[] = [];
  const ends: WalkPath[] = [];
  for (const branch of branches) {
    for (const { end, mapped, ...progress } of enterTable(table, branch, hook, walker)) {
      if (end === 'accept') accepted.push({ ...branch, ...progress, mapped });
      else ends.push({ ...progress, end });
    }
  }
  return { branches: accepted, ends };
}

function enterTable(table: WalkTable, branch: Branch, hook: HookName, { routing }: Walker): TableEnd[] {
  const { packet, steps, assumptions, probability, settled } = branch;
  const surroundings = { backend: table.backend, addressType: (address: readonly number[]) => routing.addressType(address) };
  const interfaceAddress = (name: string): readonly number[] | undefined => routing.interfaceAddress(name, packet.family);
  return runTable(table, hook, { packet, steps, assumptions, probability, settled }, surroundings, { hook, interfaceAddress });
}

/** What conntrack makes of a packet that does not have its connection yet. */
function track(branch: Branch, { states }: Walker): Branch {
  if (branch.looped || branch.packet.states?.includes('UNTRACKED')) return branch;
  const connectionMark = states.includes('NEW') ? 0 : branch.packet.connectionMark;
  return { ...branch, packet: { ...branch.packet, states, connectionMark } };
}

/** The routing decision for a packet that came in. */
async function deliver(branch: Branch, { routing }: Walker): Promise<Advance> {
  const { packet } = branch;
  const route: Route = branch.looped || packet.redirected === true ? { kind: 'local' } : await routing.route(packet, 'outside');
  if (route.kind === 'local') return go(branch, 'to this node', { ...packet, outInterface: '' }, INPUT);
  if (route.kind === 'out') return go(branch, `forward${outOf(route)}`, { ...packet, outInterface: route.interface }, FORWARD);
  return stop(branch, route);
}

/** The routing decision for a packet of the node itself; the stages stay. */
async function sendOut(branch: Branch, { routing }: Walker): Promise<Advance> {
  const { packet } = branch;
  const route: Route = packet.redirected === true ? { kind: 'local' } : await routing.route(packet, 'local');
  if (route.kind === 'unreachable' || route.kind === 'unknown') return stop(branch, route);
  const toSelf = route.kind === 'local';
  const outInterface = toSelf ? 'lo' : route.interface;
  return go({ ...branch, toSelf }, toSelf ? 'to this node' : `send${outOf(route)}`, { ...packet, outInterface }, branch.stages);
}

const outOf = (route: Route & { kind: 'out' }): string => (route.interface === undefined ? '' : ` out ${route.interface}`);

function go(branch: Branch, action: string, packet: Packet, stages: readonly Stage[]): Advance {
  return { branches: [{ ...record(branch, action), packet, routed: packet, stages }], ends: [] };
}

/** Without a route the kernel drops the packet. */
function stop(branch: Branch, route: Route & { kind: 'unreachable' | 'unknown' }): Advance {
  if (route.kind === 'unknown') return { branches: [], ends: [{ ...branch, end: { undetermined: route.why } }] };
  return { branches: [], ends: [{ ...record(branch, `no route: ${route.why}`), end: 'drop' }] };
}

function record(branch: Branch, action: string): Branch {
  const last: Step = { kind: 'routing', table: '', chain: '', action, assumed: false };
  return { ...branch, steps: extend(branch.steps, last) };
}

/** Whether nothing that routing looks at has changed since the last decision. */
function isRoutedAlike(now: Packet, then: Packet): boolean {
  const same = (a: Packet['source'], b: Packet['source']): boolean => a === b || (a !== undefined && b !== undefined && sameAddress(a, b));
  return now.mark === then.mark && same(now.source, then.source) && same(now.destination, then.destination);
}
