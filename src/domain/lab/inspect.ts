import { NotFoundError } from '../../lib/errors.ts';
import { listNamespaces, run } from '../../tools/index.ts';
import { readLabs, type LabRecord } from './state.ts';

export interface LabRow {
  name: string;
  nodes: number;
  pods: number;
  services: number;
  firewall: string;
  ageSeconds: number;
  /** `up`; `broken` when namespaces are missing; `left over` for namespaces without a record. */
  state: 'up' | 'broken' | 'left over';
}

/** Labs on record, and namespaces of labs that a crash left without one. */
export async function listLabs(): Promise<{ items: LabRow[]; complete: boolean; warnings: string[] }> {
  const existing = new Set(await listNamespaces());
  const labs = readLabs();
  const known = new Set(labs.map(({ name }) => name));
  const rows = labs.map((lab): LabRow => ({
    name: lab.name, nodes: lab.nodes.length, pods: lab.pods, services: lab.services, firewall: lab.firewall,
    ageSeconds: (Date.now() - Date.parse(lab.created)) / 1000, state: lab.namespaces.every((name) => existing.has(name)) ? 'up' : 'broken',
  }));
  for (const name of strayLabs(existing, known))
    rows.push({ name, nodes: 0, pods: 0, services: 0, firewall: '-', ageSeconds: 0, state: 'left over' });
  return { items: rows, complete: true, warnings: [] };
}

/** Names of labs whose namespaces exist without a record. */
export function strayLabs(existing: ReadonlySet<string>, known: ReadonlySet<string>): string[] {
  const names = [...existing].flatMap((namespace) => /^sl-([a-z][a-z0-9]{0,11})-(fabric|client|node\d|pod\d-\d+)$/.exec(namespace)?.[1] ?? []);
  return [...new Set(names)].filter((name) => !known.has(name));
}

/** Runs a command inside a node, pod or the client of a lab, on our own terminal; returns its exit code. */
export async function execInLab(place: string, argv: readonly string[]): Promise<number> {
  const namespace = findPlace(place, readLabs());
  const { exitCode } = await run(argv, { netns: `/run/netns/${namespace}`, inheritStdio: true, allowFailure: true });
  return exitCode;
}

/** `node1`, `pod1-1`, `client` of the only lab, or the whole name of a namespace. @throws NotFoundError */
function findPlace(place: string, labs: readonly LabRecord[]): string {
  const all = labs.flatMap(({ namespaces }) => namespaces);
  const found = all.find((name) => name === place) ?? (labs.length === 1 ? all.find((name) => name === `sl-${labs[0]!.name}-${place}`) : undefined);
  if (found !== undefined) return found;
  throw new NotFoundError(`no lab has a place called ${place}`, { hints: labs.length === 0 ? ['sluice lab up'] : all.slice(0, 6).map((name) => `sluice lab exec ${name} -- ip addr`) });
}
