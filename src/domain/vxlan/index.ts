/** VXLAN tunnels: what there is, making and removing them, and their forwarding databases. */

export { type ChangeContext, createTunnel, deleteTunnel, type OverlayOutcome } from './apply.ts';
export { addEntry, deleteEntry, type FdbWords, syncEntries } from './fdb/apply.ts';
export { type FdbRequest, listEntries } from './fdb/inspect.ts';
export type { FdbEntry, Lifetime } from './fdb/model.ts';
export type { WriteMode } from './fdb/plan.ts';
export { getTunnel, listTunnels, type Scope, viewNode } from './inspect.ts';
export { FLOOD_MAC, IANA_PORT, MAX_VNI, type NodeView, type Tunnel, type TunnelDetail, type TunnelSpec } from './model.ts';
export type { TunnelWords } from './spec.ts';
export { applyMesh, diffMesh, type MeshDiff, type MeshOutcome, type MeshRequest } from './mesh/apply.ts';
export type { PlanRow } from './mesh/plan.ts';
