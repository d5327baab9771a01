/** Making and removing tunnels. */

import { listNeighbours, listRoutes, openNetlink } from '../../kernel/netlink/index.ts';
import { neighbour as nd, rtnetlink } from '../../kernel/uapi/index.ts';
import { given } from '../../lib/members.ts';
import type { Change, SessionFacts } from '../changes/index.ts';
import { findTunnel, getTunnel, type Scope, viewNode } from './inspect.ts';
import type { Tunnel, TunnelDetail } from './model.ts';
import { isForeign } from './owner.ts';
import { type Dependents, planCreate, planDelete, planRestore } from './plan.ts';
import { rehearse } from './rehearsal/apply.ts';
import { readSpec, type TunnelWords } from './spec.ts';
import type { RouteEntry, Step } from './steps/model.ts';
import { nativeOf } from './steps/native.ts';
import { carryOut } from './transaction/apply.ts';

/** What every change of the overlay is told beside what to do. */
export interface ChangeContext extends Scope {
  /** The command line that was typed. */
  argv: readonly string[];
  session: SessionFacts;
  /** Asks before something is done that others would miss. */
  ask?: (question: string) => Promise<void>;
  /** `client`: only plan. `kernel`: also try it out in a namespace of its own. */
  dryRun?: 'client' | 'kernel' | undefined;
  force?: boolean | undefined;
}

/** What became of a change of the overlay. */
export interface OverlayOutcome {
  /** The object, such as a device name. */
  name: string;
  summary: string;
  /** How far it went; absent when it was carried out. */
  dryRun?: 'client' | 'kernel';
  /** Absent in a dry run, and when there was nothing to do. */
  change?: Change;
  /** The same in commands of iproute2. */
  commands: readonly string[];
  notes: readonly string[];
  tunnel?: Tunnel;
}

/**
 * Makes a tunnel. Nothing of it stays when a step is refused.
 *
 * @throws UsageError SL6000; what `planCreate` refuses; NetlinkError with the kernel's words when the rehearsal fails;
 *   OperationError SL4001 when the kernel refuses on the node what it did not refuse in the rehearsal
 */
export async function createTunnel(words: TunnelWords, context: ChangeContext): Promise<OverlayOutcome> {
  const spec = readSpec(words);
  const view = await viewNode(context);
  const { steps, notes } = planCreate(spec, view, context.force === true);
  const summary = `create VXLAN tunnel ${spec.name}${spec.vni === undefined ? '' : `, VNI ${spec.vni}`}`;
  if (context.dryRun !== 'client') rehearse(steps, view);
  const undo: Step[] = [{ do: 'delete-link', device: spec.name }];
  const outcome = await finish({ name: spec.name, summary, steps, undo, notes }, context);
  return context.dryRun === undefined ? { ...outcome, tunnel: findTunnel(await viewNode(context), spec.name) } : outcome;
}

/**
 * Removes a tunnel. Rolling the change back makes it again with its addresses, lasting entries, neighbours and routes.
 *
 * @throws NotFoundError SL6003; UsageError SL6008 when it is no VXLAN device; OperationError SL6005 when a network plugin made it and
 *   nobody forces it
 */
export async function deleteTunnel(name: string, context: ChangeContext): Promise<OverlayOutcome> {
  const tunnel = await getTunnel(name, context);
  const dependents = readDependents(tunnel, context);
  const { steps, notes } = planDelete(tunnel, dependents, context.force === true);
  if (isForeign(tunnel.owner) && context.dryRun === undefined) await context.ask?.(`${name} belongs to ${tunnel.owner}. Delete it?`);
  const undo = planRestore(tunnel, dependents);
  return await finish({ name, summary: `delete VXLAN tunnel ${name}, VNI ${tunnel.vni}`, steps, undo, notes }, context);
}

interface Work {
  name: string;
  summary: string;
  steps: readonly Step[];
  undo: readonly Step[];
  notes: readonly string[];
}

/** Carries a plan out unless it is only to be shown. */
export async function finish({ name, summary, steps, undo, notes }: Work, { argv, netns, session, dryRun }: ChangeContext): Promise<OverlayOutcome> {
  const told = { name, summary, notes, commands: steps.flatMap(nativeOf).map((command) => command.join(' ')) };
  if (dryRun !== undefined) return { ...told, dryRun };
  if (steps.length === 0) return told;
  return { ...told, change: await carryOut({ summary, steps, undo, argv, netns, session, details: { name } }) };
}

/** Routes that others than the kernel made over a device, and its lasting neighbour entries. */
function readDependents({ index, name }: TunnelDetail, { netns }: Scope): Dependents {
  using netlink = openNetlink({ netns });
  const neighbours = listNeighbours(netlink, { ifindex: index }).items.filter(({ state, lladdr }) => (state & nd.NUD_PERMANENT) !== 0 && lladdr !== undefined);
  const routes = listRoutes(netlink, { oif: index }).items.filter(({ protocol, type }) => protocol !== rtnetlink.RTPROT_KERNEL && type === rtnetlink.RTN_UNICAST);
  return {
    neighbours: neighbours.map(({ destination, lladdr }) => ({ address: destination!, mac: lladdr! })),
    nexthopRoutes: routes.filter(({ nexthopId }) => nexthopId !== undefined).length,
    routes: routes.filter(({ nexthopId }) => nexthopId === undefined).map((route): RouteEntry => ({
      destination: `${route.destination ?? (route.family === 4 ? '0.0.0.0' : '::')}/${route.prefixLength}`, device: name, protocol: route.protocol,
      ...given({ via: route.gateway, metric: route.priority, source: route.preferredSource, mtu: route.mtu, table: route.table === rtnetlink.RT_TABLE_MAIN ? undefined : route.table }),
      ...((route.flags & rtnetlink.RTNH_F_ONLINK) === 0 ? {} : { onlink: true }),
    })),
  };
}
