/**
 * The larger parts of the package, loaded when one of them is asked for: what they need (programs, the firewall, path
 * probes) would make each `vxlan list` start later.
 */

import type { CaptureRequest, CapturedLine, CaptureSummary } from './capture/model.ts';
import type { CheckReport, CheckRequest } from './check/check.ts';
import type { CheckInfo } from './check/finding.ts';
import type { Audit } from './check/model.ts';
import type { TrafficSample } from './traffic/model.ts';
import type { TrafficRequest } from './traffic/watch.ts';

export { captureSummary } from './capture/summary.ts';

/** @see check/check.ts */
export const checkTunnels = async (request: CheckRequest): Promise<CheckReport> => (await import('./check/check.ts')).checkTunnels(request);

/** @see check/check.ts */
export const auditTunnel = async (request: { name: string; vni?: number | undefined; netns?: { path: string }; lookups: readonly string[] }): Promise<{ audit: Audit }> =>
  (await import('./check/check.ts')).auditTunnel(request);

/** @see capture/watch.ts */
export async function* capturePackets(request: CaptureRequest): AsyncGenerator<CapturedLine, CaptureSummary, void> {
  return yield* (await import('./capture/watch.ts')).capturePackets(request);
}

/** @see traffic/watch.ts */
export async function* watchTraffic(request: TrafficRequest): AsyncGenerator<TrafficSample, void, void> {
  yield* (await import('./traffic/watch.ts')).watchTraffic(request);
}

/** All checks, in the order of their ids. */
export async function listChecks(): Promise<{ items: CheckInfo[]; complete: boolean; warnings: string[] }> {
  const { CHECKS } = await import('./check/checks/index.ts');
  const items = CHECKS.map(({ id, name, title, needs }) => ({ id, name, title, ...(needs === undefined ? {} : { needs }) }));
  return { items: items.sort((a, b) => (a.id < b.id ? -1 : 1)), complete: true, warnings: [] };
}
