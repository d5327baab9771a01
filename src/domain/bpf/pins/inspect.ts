import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fdinfoNumber, objectKind, openPin, type ObjectKind } from '../../../kernel/bpf/index.ts';

/** A pinned object; `path` is where the bpf file system shows it. */
export interface Pin {
  path: string;
  kind: ObjectKind;
  id: number;
}

/** All pins of the bpf file systems that are mounted here; `warn` is told of what cannot be opened. */
export function* listPins(warn: (warning: string) => void = () => undefined): Generator<Pin> {
  for (const root of bpffsRoots()) yield* pinsBelow(root, warn);
}

/** Mount points of bpf file systems, one for each file system. */
function bpffsRoots(): string[] {
  const mounts = new Map<string, string>();
  for (const line of readFileSync('/proc/self/mountinfo', 'utf8').split('\n')) {
    const [, device, root, path] = /^\d+ \d+ (\S+) (\S+) (\S+) .* - bpf /.exec(line) ?? [];
    if (device !== undefined && path !== undefined && root === '/' && !mounts.has(device)) mounts.set(device, unescapePath(path));
  }
  return [...mounts.values()];
}

/** mountinfo writes blanks and the like in octal. @man proc_pid_mountinfo(5) */
const unescapePath = (path: string): string => path.replace(/\\([0-7]{3})/g, (_, octal: string) => String.fromCharCode(Number.parseInt(octal, 8)));

function* pinsBelow(directory: string, warn: (warning: string) => void): Generator<Pin> {
  for (const entry of readEntries(directory)) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) yield* pinsBelow(path, warn);
    else if (entry.isFile()) yield* openedPin(path, warn);
  }
}

function readEntries(directory: string) {
  try {
    return readdirSync(directory, { withFileTypes: true });
  } catch {
    // Removed since its parent was read.
    return [];
  }
}

function* openedPin(path: string, warn: (warning: string) => void): Generator<Pin> {
  try {
    using fd = openPin(path);
    const kind = fd === undefined ? undefined : objectKind(fd);
    if (fd !== undefined && kind !== undefined) yield { path, kind, id: fdinfoId(`/proc/self/fdinfo/${fd.number}`, kind) };
  } catch (error) {
    warn((error as Error).message);
  }
}

const KEYS: Readonly<Record<ObjectKind, string>> = { program: 'prog_id', map: 'map_id', link: 'link_id', btf: 'btf_id' };

/** Id of the BPF object behind a descriptor, from its `/proc/PID/fdinfo/N`. @throws Error when it is gone */
export const fdinfoId = (path: string, kind: ObjectKind): number => fdinfoNumber(path, KEYS[kind]);
