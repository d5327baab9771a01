/** Building a lab and taking it away. */

import { existsSync, readdirSync, readFileSync, readlinkSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { BusyError, NotFoundError } from '../../lib/errors.ts';
import { deleteNamespace, ipBatch, listNamespaces, run, setParameters, spawnDetached } from '../../tools/index.ts';
import { restoreTable } from '../../tools/iptables.ts';
import { raiseMesh } from '../vxlan/index.ts';
import { strayLabs } from './inspect.ts';
import { allNamespaces, clientLines, fabricLines, layOut, linkLines, meshDocument, namespacePrefix, nodeLines, nodeRules, podLines, type LabLayout, type LabOptions } from './plan.ts';
import { forgetLab, meshPath, readLabs, storeLab, type LabRecord } from './state.ts';

/** Forwarding, no source checks and no duplicate address detection: a lab has to work at once. */
const ROUTER = {
  'net.ipv4.ip_forward': 1, 'net.ipv6.conf.all.forwarding': 1, 'net.ipv4.conf.all.rp_filter': 0, 'net.ipv4.conf.default.rp_filter': 0,
  'net.ipv6.conf.default.accept_dad': 0, 'net.ipv6.conf.all.accept_dad': 0,
};

const pathOf = (namespace: string): string => `/run/netns/${namespace}`;

/**
 * Builds a lab. `serve` is the command line that runs a pod's servers, with the pod's name to follow.
 *
 * @throws BusyError when a lab of that name exists. Nothing half-made stays when building fails.
 */
export async function buildLab(options: LabOptions, serve: readonly string[]): Promise<LabRecord> {
  const layout = layOut(options);
  const existing = new Set(await listNamespaces());
  if (allNamespaces(layout).some((name) => existing.has(name)) || readLabs().some(({ name }) => name === options.name))
    throw new BusyError(`lab ${options.name} exists already`, { code: 'SL5001', hints: [`sluice lab down ${options.name}`] });
  const record = recordOf(options, layout);
  storeLab(record);
  try {
    await construct(options, layout, serve);
    return record;
  } catch (error) {
    await removeLab(options.name);
    throw error;
  }
}

function recordOf({ name, firewall, backend, pods, nodes, services, overlay }: LabOptions, layout: LabLayout): LabRecord {
  return {
    name, firewall: firewall.name, backend, pods: pods * nodes, services, created: new Date().toISOString(), namespaces: allNamespaces(layout),
    nodes: layout.nodes.map(({ namespace, address }, i) => ({ name: `node${i + 1}`, namespace, address })),
    ...(overlay === 'none' ? {} : { mesh: meshPath(name) }),
  };
}

async function construct(options: LabOptions, layout: LabLayout, serve: readonly string[]): Promise<void> {
  await ipBatch(allNamespaces(layout).map((name) => `netns add ${name}`));
  await ipBatch(linkLines(layout));
  const pods = layout.nodes.flatMap((node) => node.pods);
  await Promise.all(layout.nodes.map(({ namespace }) => setParameters(ROUTER, pathOf(namespace))));
  await Promise.all([
    ipBatch(fabricLines(layout), layout.fabric),
    ...pods.map((pod) => ipBatch(podLines(pod, options.overlay), pod.namespace)),
    ipBatch(clientLines(layout), layout.client.namespace),
  ]);
  await Promise.all(layout.nodes.map((node) => ipBatch(nodeLines(node, layout), node.namespace)));
  if (options.overlay === 'vxlan') await raiseOverlay(layout);
  const rules = nodeRules(options, layout);
  await Promise.all(layout.nodes.map(async ({ namespace }) => {
    await restoreTable(rules, { family: 'ipv4', backend: options.backend, netns: pathOf(namespace) });
    await restoreTable(options.firewall.filter6, { family: 'ipv6', backend: options.backend, netns: pathOf(namespace) });
  }));
  for (const pod of pods) spawnDetached([...serve, pod.name], { netns: pathOf(pod.namespace) });
}

/** The same document on every node, as `sluice vxlan apply` would. */
async function raiseOverlay(layout: LabLayout): Promise<void> {
  const { stringify } = await import('yaml');
  const path = meshPath(layout.name);
  writeFileSync(path, stringify(meshDocument(layout), { lineWidth: 0 }), { mode: 0o600 });
  for (const { namespace } of layout.nodes) await raiseMesh(path, { path: pathOf(namespace), label: namespace });
}

/**
 * Takes a lab away: its processes, its pins, its namespaces, its record; also what a crash left of it.
 *
 * @throws NotFoundError when there is nothing of that name.
 */
export async function removeLab(name: string): Promise<void> {
  const prefix = namespacePrefix(name);
  const namespaces = (await listNamespaces()).filter((namespace) => namespace.startsWith(prefix));
  if (namespaces.length === 0 && !readLabs().some((lab) => lab.name === name)) throw new NotFoundError(`there is no lab ${name}`, { hints: ['sluice lab list'] });
  const inodes = new Set(namespaces.map((namespace) => statSync(pathOf(namespace)).ino));
  endProcesses(inodes);
  removePins(inodes);
  await Promise.all(namespaces.map(deleteNamespace));
  forgetLab(name);
}

/** Every lab, on record or left over. */
export async function removeAllLabs(): Promise<string[]> {
  const known = readLabs().map(({ name }) => name);
  const names = [...known, ...strayLabs(new Set(await listNamespaces()), new Set(known))];
  for (const name of names) await removeLab(name);
  return names;
}

/** Whoever lives in one of the namespaces was started there by the lab or by its user. */
function endProcesses(inodes: ReadonlySet<number>): void {
  for (const pid of readdirSync('/proc').filter((name) => /^\d+$/.test(name))) {
    const inode = namespaceOf(pid);
    if (inode === undefined || !inodes.has(inode) || Number(pid) === process.pid) continue;
    try {
      process.kill(Number(pid), 'SIGKILL');
    } catch {
      // It ended by itself meanwhile.
    }
  }
}

function namespaceOf(pid: string): number | undefined {
  try {
    return Number(/\[(\d+)\]/.exec(readlinkSync(`/proc/${pid}/ns/net`))?.[1]);
  } catch {
    return undefined;
  }
}

/** Programs that were migrated in a lab's namespaces. */
function removePins(inodes: ReadonlySet<number>): void {
  const directory = join(process.env['SLUICE_BPFFS'] ?? '/sys/fs/bpf', 'sluice', 'migrate');
  for (const inode of inodes) rmSync(join(directory, String(inode)), { recursive: true, force: true });
}

/** Waits until every pod's server answers. */
export async function waitForServers(record: LabRecord, seconds: number): Promise<boolean> {
  const pods = record.namespaces.filter((name) => name.includes('-pod'));
  for (let tries = 0; tries < seconds * 10; tries++) {
    if (pods.every((name) => listens(name))) return true;
    await run(['sleep', '0.1']);
  }
  return false;
}

/** A process in the namespace, seen from /proc, has the servers' port open. */
function listens(namespace: string): boolean {
  const inode = existsSync(pathOf(namespace)) ? statSync(pathOf(namespace)).ino : undefined;
  return readdirSync('/proc').some((pid) => /^\d+$/.test(pid) && namespaceOf(pid) === inode && hasPort(pid));
}

/** 1F90 is 8080, state 0A is LISTEN. @man proc(5) /proc/net/tcp */
function hasPort(pid: string): boolean {
  try {
    return /:1F90 0+:0000 0A /.test(readFileSync(`/proc/${pid}/net/tcp`, 'latin1')) || /:1F90 0+:0000 0A /.test(readFileSync(`/proc/${pid}/net/tcp6`, 'latin1'));
  } catch {
    return false;
  }
}
