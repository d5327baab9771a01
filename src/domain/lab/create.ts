import { printSave, readDump } from '../netfilter/index.ts';
import { OperationError } from '../../lib/errors.ts';
import { buildLab, waitForServers } from './apply.ts';
import { ownProgram } from './demo/apply.ts';
import { office, small, type Firewall } from './firewalls.ts';
import type { LabRecord } from './state.ts';

export interface CreateRequest {
  name: string;
  nodes: number;
  pods: number;
  services: number;
  /** `small`, `office`, or the path of a dump. */
  firewall: string;
  backend: 'legacy' | 'nft';
  overlay: 'none' | 'vxlan';
}

/** Seconds that the servers of all pods get to start. */
const PATIENCE = 20;

/** Builds a lab and waits until its servers answer. @throws as `buildLab`, and when a dump cannot be read. */
export async function createLab(request: CreateRequest): Promise<LabRecord> {
  const record = await buildLab({ ...request, firewall: await findFirewall(request.firewall) }, [...ownProgram(), 'lab', 'serve']);
  if (await waitForServers(record, PATIENCE)) return record;
  throw new OperationError('the servers in the pods did not start', { code: 'SL5003', hints: [`sluice lab down ${request.name}`] });
}

async function findFirewall(name: string): Promise<Firewall> {
  if (name === 'small') return small;
  if (name === 'office') return office;
  const dump = await readDump(name, { family: 'ipv4' });
  const filter = { ...dump, layout: dump.layout.filter((item) => 'table' in item && dump.tables[item.table]!.name === 'filter') };
  return { name, filter: printSave(filter), filter6: small.filter6 };
}
