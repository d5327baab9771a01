/** A disposable network of namespaces: nodes, pods, a client, a firewall and services on every node. */

export { buildLab, removeAllLabs, removeLab } from './apply.ts';
export { type DemoStep, runDemo } from './demo.ts';
export { createLab, type CreateRequest } from './create.ts';
export { execInLab, type LabRow, listLabs } from './inspect.ts';
export { serve } from './serve.ts';
export type { LabRecord } from './state.ts';
export { generateTraffic, type TrafficOptions, type TrafficResult } from './traffic.ts';
