import { join } from 'node:path';

/** Folder below a bpf file system for the links of one network namespace. */
export const linkFolder = (bpffs: string, inode: number): string => join(bpffs, 'sluice', 'links', String(inode));

/** Which namespace the links of sluice in a folder are for; undefined for another path. */
export function namespaceOfPin(path: string): number | undefined {
  const inode = /\/sluice\/(?:links|migrate)\/(\d+)\//.exec(path)?.[1];
  return inode === undefined ? undefined : Number(inode);
}
