/**
 * VXLAN tunnels: what there is, making and removing them, their forwarding databases; what is wrong with them, and what
 * passes through them.
 */

export { type ChangeContext, createTunnel, deleteTunnel, type OverlayOutcome } from './apply.ts';
export type { CapturedLine, CaptureRequest, CaptureSummary } from './capture/model.ts';
export type { CheckReport, CheckRequest, TunnelCheck } from './check/check.ts';
export type { CheckInfo, CheckOutcome, Finding } from './check/finding.ts';
export type { Audit } from './check/model.ts';
export type { TrafficRequest } from './traffic/watch.ts';
export type { TrafficSample } from './traffic/model.ts';
export { auditTunnel, capturePackets, captureSummary, checkTunnels, listChecks, watchTraffic } from './on-demand.ts';
export { addEntry, deleteEntry, type FdbWords, syncEntries } from './fdb/apply.ts';
export { type FdbRequest, type FdbStream, listEntries, streamEntries } from './fdb/inspect.ts';
export type { FdbEntry, Lifetime } from './fdb/model.ts';
export type { WriteMode } from './fdb/plan.ts';
export { getTunnel, listTunnels, type Scope, viewNode } from './inspect.ts';
export { FLOOD_MAC, IANA_PORT, MAX_VNI, type NodeView, type Tunnel, type TunnelDetail, type TunnelSpec } from './model.ts';
export type { TunnelWords } from './spec.ts';
export { applyMesh, diffMesh, raiseMesh, type MeshDiff, type MeshOutcome, type MeshRequest } from './mesh/apply.ts';
export type { PlanRow } from './mesh/plan.ts';
