/** Which labs exist: one file each, so that `down` finds everything again. */

import { mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface LabRecord {
  name: string;
  /** RFC 3339. */
  created: string;
  firewall: string;
  backend: 'legacy' | 'nft';
  nodes: { name: string; namespace: string; address: string }[];
  pods: number;
  services: number;
  namespaces: string[];
  /** Document of the overlay that the nodes were made from. */
  mesh?: string;
}

const directory = (): string => join(process.env['SLUICE_STATE_DIR'] ?? '/var/lib/sluice', 'labs');

/** Where the document of a lab's overlay lies. */
export const meshPath = (name: string): string => join(directory(), `${name}.mesh.yaml`);

const pathOf = (name: string): string => join(directory(), `${name}.json`);

export function storeLab(record: LabRecord): void {
  mkdirSync(directory(), { recursive: true, mode: 0o700 });
  writeFileSync(`${pathOf(record.name)}.new`, JSON.stringify(record));
  renameSync(`${pathOf(record.name)}.new`, pathOf(record.name));
}

/** All labs on record; a file that cannot be read is no lab. */
export function readLabs(): LabRecord[] {
  try {
    return readdirSync(directory()).filter((file) => file.endsWith('.json')).sort()
      .map((file) => JSON.parse(readFileSync(join(directory(), file), 'utf8')) as LabRecord);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return [];
    throw error;
  }
}

export function forgetLab(name: string): void {
  for (const path of [pathOf(name), meshPath(name)]) rmSync(path, { force: true });
}
