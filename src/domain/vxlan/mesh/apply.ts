/** Makes the node what documents say: one change, or none where nothing differs. */

import { type NetlinkSocket, openNetlink } from '../../../kernel/netlink/index.ts';
import { parseCidr, type Cidr } from '../../../lib/cidr.ts';
import { OperationError, UsageError } from '../../../lib/errors.ts';
import { parseDocuments, readManifests, type Manifest } from '../../../lib/manifest.ts';
import { type Change, listChanges, rollbackChange } from '../../changes/index.ts';
import type { ChangeContext } from '../apply.ts';
import { viewNode } from '../inspect.ts';
import { OWN_ALIAS } from '../model.ts';
import { rehearse } from '../rehearsal/apply.ts';
import { runSteps } from '../steps/apply.ts';
import { CHANGE_KIND, carryOut } from '../transaction/apply.ts';
import { innerMtu, isIpv6 } from '../underlay.ts';
import { NodeState, readText } from './inspect.ts';
import type { WantedTunnel } from './model.ts';
import { aliasOf, planRemoval, planTunnel, type PlanRow, type ResolvedTunnel, type TunnelPlan } from './plan.ts';
import { readMesh, type FoundNode } from './read-mesh.ts';
import { readTunnel } from './read-tunnel.ts';
import { findNodes } from './source/inspect.ts';
import { findOwnNode, wantedOf } from './wanted.ts';

/** Documents, and who this node is. */
export interface MeshRequest {
  /** Path, or `-` for standard input. */
  file: string;
  /** Where a mesh gets its nodes from beside the file: `bgp`, `kubernetes` or a file. */
  from?: string | undefined;
  nodeName?: string | undefined;
  /** Pod networks of this node, for `--from bgp`. */
  podCidrs: readonly string[];
  /** Also remove devices of documents that the file does not have any more. */
  prune: boolean;
}

/** What differs between the node and the documents. */
export interface MeshDiff {
  /** `VxlanMesh/pods: node1 of 3 nodes`, one a document. */
  documents: readonly string[];
  devices: readonly string[];
  rows: readonly PlanRow[];
  warnings: readonly string[];
}

/** What became of applying documents. */
export interface MeshOutcome extends MeshDiff {
  /** How far it went; absent when it was carried out. */
  dryRun?: 'client' | 'kernel';
  /** Absent in a dry run, and when there was nothing to do. */
  change?: Change;
  /** A change that had been cut off, and was undone first. */
  cleanedUp?: string;
}

interface MeshPlan extends MeshDiff {
  wanted: readonly ResolvedTunnel[];
  plans: readonly TunnelPlan[];
}

/**
 * Compares the node with documents.
 *
 * @throws ParseError for a document that is wrong; NotFoundError SL6060 when this node is in none of a mesh; OperationError SL6061 when
 *   a device of that name is somebody else's, SL6062 when the MTU cannot be worked out, SL6063 when somebody else has a route there
 */
export async function diffMesh(request: MeshRequest, { netns, force = false }: Pick<ChangeContext, 'netns' | 'force'>): Promise<MeshDiff> {
  using netlink = openNetlink({ netns });
  const { documents, devices, rows, warnings } = await planMesh(netlink, request, force);
  return { documents, devices, rows, warnings };
}

/**
 * Applies documents. What an apply that was cut off has left is undone first.
 *
 * @throws as `diffMesh`; OperationError SL4001 when the kernel refused a step and all is as before; BusyError when another change waits
 */
export async function applyMesh(request: MeshRequest, context: ChangeContext, progress: (what: string) => void): Promise<MeshOutcome> {
  const cleanedUp = context.dryRun === undefined ? await undoInterrupted(context, progress) : undefined;
  using netlink = openNetlink({ netns: context.netns });
  const { wanted, plans, ...diff } = await planMesh(netlink, request, context.force === true);
  const outcome = { ...diff, ...(cleanedUp === undefined ? {} : { cleanedUp }) };
  if (context.dryRun !== undefined) {
    if (context.dryRun === 'kernel') await tryOut(wanted, context);
    return { ...outcome, dryRun: context.dryRun };
  }
  if (plans.every(({ steps }) => steps.length === 0)) return outcome;
  progress(`applying what differs: ${diff.rows.length}`);
  const { argv, netns, session } = context;
  const change = await carryOut({
    summary: `apply ${diff.documents.join(', ')}`, argv, netns, session, details: { devices: diff.devices },
    steps: plans.flatMap(({ steps }) => steps), undo: plans.toReversed().flatMap(({ undo }) => undo),
  });
  return { ...outcome, change };
}

/**
 * Makes a namespace what documents say, without a change: for one that is made and taken away as a whole, such as a lab's.
 *
 * @throws as `diffMesh`; NetlinkError when the kernel refuses a step
 */
export async function raiseMesh(file: string, netns: { path: string; label: string }): Promise<void> {
  using netlink = openNetlink({ netns });
  const { plans } = await planMesh(netlink, { file, podCidrs: [], prune: false }, false);
  runSteps(netlink, plans.flatMap(({ steps }) => steps));
}

/** Undoes a change of the overlay whose process died: the node would be half of each. */
async function undoInterrupted({ netns }: ChangeContext, progress: (what: string) => void): Promise<string | undefined> {
  const { items } = await listChanges({ netns: netns ?? { path: '/proc/self/ns/net', label: '-' } });
  const cut = items.find(({ record, state, interrupted }) => record.kind === CHANGE_KIND && state === 'applying' && interrupted);
  if (cut === undefined) return undefined;
  progress(`undoing change ${cut.record.id}, which was cut off`);
  await rollbackChange(cut.record.id);
  return cut.record.id;
}

async function planMesh(netlink: NetlinkSocket, request: MeshRequest, force: boolean): Promise<MeshPlan> {
  const node = new NodeState(netlink);
  const { documents, tunnels, warnings } = await readDocuments(netlink, node, request);
  const wanted = tunnels.map((tunnel) => ({ ...tunnel, mtu: resolveMtu(tunnel, node) }));
  const leaving = leftovers(wanted, node, request.prune);
  const plans = [...wanted.map((tunnel) => planTunnel(tunnel, node.read(tunnel.device), force)), ...leaving.map((device) => planRemoval(device, node.read(device)!))];
  const rows = plans.flatMap((plan) => plan.rows);
  for (const tunnel of wanted) refuseTwin(tunnel, node.twinOf(tunnel, leaving));
  refuseForeignRoutes(rows, node);
  return { wanted, plans, documents, warnings, rows, devices: wanted.map(({ device }) => device) };
}

interface Documents {
  documents: string[];
  tunnels: WantedTunnel[];
  warnings: readonly string[];
}

async function readDocuments(netlink: NetlinkSocket, node: NodeState, { file, from, nodeName, podCidrs }: MeshRequest): Promise<Documents> {
  const text = await readText(file);
  const source = file === '-' ? 'stdin' : file;
  const values = await parseDocuments(source, text);
  const own = podCidrs.map(readPodCidr);
  const within = await readManifests(source, text, readWithin, values);
  const found = from === undefined ? undefined : await findNodes(netlink, { from, podCidrs: own, nodeName, within });
  return await readManifests(source, text, (manifests) => {
    if (manifests.length === 0) throw new UsageError(`${source} has no document`);
    const read = manifests.map((manifest) => readDocument(manifest, node, nodeName, found?.nodes));
    refuseTwice(manifests, read.map(({ tunnel }) => tunnel));
    return { documents: read.map(({ title }) => title), tunnels: read.map(({ tunnel }) => tunnel), warnings: found?.warnings ?? [] };
  }, values);
}

function readPodCidr(text: string): Cidr {
  const cidr = parseCidr(text);
  if (cidr === undefined) throw new UsageError(`--pod-cidr ${text} is no network`, { hints: ['--pod-cidr 10.244.1.0/24'] });
  return cidr;
}

/** The networks that the meshes of a file are about, before they have nodes. */
const readWithin = (manifests: readonly Manifest[]): Cidr[] =>
  manifests.flatMap(({ spec }) => (spec.isSet ? spec.get('podCIDR').items().flatMap((field) => parseCidr(String(field.value)) ?? []) : []));

function readDocument(manifest: Manifest, node: NodeState, nodeName: string | undefined, found: readonly FoundNode[] | undefined): { title: string; tunnel: WantedTunnel } {
  const { kind, name, root } = manifest;
  if (root.get('kind').oneOf(['VxlanTunnel', 'VxlanMesh']) === 'VxlanTunnel') return { title: `${kind}/${name}`, tunnel: readTunnel(manifest) };
  const mesh = readMesh(manifest, found);
  const own = findOwnNode(mesh, node.addresses, nodeName);
  return { title: `${kind}/${name}: ${own.name} of ${mesh.nodes.length} nodes`, tunnel: wantedOf(mesh, own) };
}

function refuseTwice(manifests: readonly Manifest[], tunnels: readonly WantedTunnel[]): void {
  tunnels.forEach(({ device, owner }, index) => {
    const first = tunnels.findIndex((other) => other.device === device || other.owner === owner);
    if (first !== index) manifests[index]!.root.fail(`${owner} and ${tunnels[first]!.owner} have the same device, ${device}, or the same name`);
  });
}

function resolveMtu({ mtu, device, underlayDevice, attributes: { local, group } }: WantedTunnel, node: NodeState): number {
  const underlay = node.mtuOf({ device: underlayDevice, address: local });
  if (underlay === undefined) return mtu === 'auto' ? unknownMtu(device, underlayDevice === undefined ? `its local address ${local ?? '(none)'} is on no interface` : `there is no interface ${underlayDevice}`) : mtu;
  const most = innerMtu(underlay, isIpv6(local ?? group));
  if (mtu === 'auto') return most;
  // The kernel would make it smaller without a word.
  if (underlayDevice !== undefined && mtu > most) throw new OperationError(`the MTU ${mtu} of ${device} is too large: over ${underlayDevice} it can be ${most}`, { code: 'SL6062', hints: ['mtu: auto'] });
  return mtu;
}

function unknownMtu(device: string, why: string): never {
  throw new OperationError(`the MTU of ${device} cannot be worked out: ${why}`, { code: 'SL6062', hints: ['write the MTU into the document: mtu: 1450', 'or correct local and underlayDevice'] });
}

/** Devices of the same documents under another name, and with `prune` of documents that are gone. */
function leftovers(wanted: readonly WantedTunnel[], node: NodeState, prune: boolean): string[] {
  const aliases = new Set(wanted.map(aliasOf));
  const devices = new Set(wanted.map(({ device }) => device));
  return node.devicesWith((alias) => aliases.has(alias) || (prune && alias.startsWith(`${OWN_ALIAS} Vxlan`))).filter((device) => !devices.has(device));
}

function refuseTwin({ device, attributes: { vni, port } }: WantedTunnel, twin: string | undefined): void {
  if (twin === undefined) return;
  throw new OperationError(`VNI ${vni} on UDP port ${port} of ${device} is already that of ${twin}`, { code: 'SL6002', hints: [`sluice vxlan get ${twin}`, 'give the document another vni or port'] });
}

function refuseForeignRoutes(rows: readonly PlanRow[], node: NodeState): void {
  const fresh = new Set(rows.flatMap(({ object, action, key }) => (object === 'route' && action === 'create' ? [key] : [])));
  if (fresh.size === 0) return;
  const foreign = node.foreignRoutes(fresh);
  if (foreign.length === 0) return;
  throw new OperationError(`${foreign.length === 1 ? 'a route that is' : `${foreign.length} routes that are`} not sluice's would be replaced`, {
    code: 'SL6063', causes: foreign.slice(0, 8).map(({ destination, route }) => `${destination} via ${route.gateway ?? '-'} proto ${route.protocol}`), hints: ['take them away, or give them a metric: ours have none'],
  });
}

/** Makes the wanted devices in a namespace that nobody uses. */
async function tryOut(wanted: readonly ResolvedTunnel[], context: ChangeContext): Promise<void> {
  const view = await viewNode(context);
  rehearse(wanted.flatMap((tunnel) => planTunnel(tunnel, undefined, true).steps), view);
}
