/** What keeps a BPF object alive: processes by their descriptors, pins, links, programs. */

import type { PerfProgram } from '../../../kernel/bpf/index.ts';

/** Kinds of objects as in references. */
export type HeldKind = 'program' | 'map' | 'link' | 'btf';

/** A process that has a descriptor of an object. */
export interface HolderProcess {
  pid: number;
  /** Name as `ps` shows it; for an interpreter that of its script. */
  name: string;
  /** Path in the cgroup hierarchy; absent at its root. */
  cgroup?: string;
  /** Unit of systemd or slice that it runs in. */
  unit?: string;
  container?: Container;
}

/** A container, as its runtime names the cgroup. */
export interface Container {
  /** The first 12 digits. */
  id: string;
  /** `containerd`, `docker`, `cri-o` or `podman`, where the path tells. */
  runtime?: string;
  /** UID of its Kubernetes pod. */
  pod?: string;
}

/** Pins, processes and links by object; made by one pass over the machine. */
export interface Holders {
  processes: ReadonlyMap<string, readonly HolderProcess[]>;
  /** Absolute paths. */
  pins: ReadonlyMap<string, readonly string[]>;
  /** Links of a program, by its id. */
  links: ReadonlyMap<number, readonly number[]>;
  /** Programs that use a map, by its id; and the other way round. */
  programs: ReadonlyMap<number, readonly number[]>;
  maps: ReadonlyMap<number, readonly number[]>;
  /** What runs programs without a link: perf events of processes. */
  perfEvents: readonly (PerfProgram & { pid: number })[];
  /** Whether some process has the kernel count runs, by a descriptor of BPF_ENABLE_STATS. */
  countsRuns: boolean;
  /** What could not be read. */
  warnings: readonly string[];
}

/** Who an object belongs to, as far as it can be told. */
export interface Ownership {
  /** `cilium`, `calico`, `systemd`, `sluice`; else the name of a process; absent where nothing tells. */
  owner?: string;
  /** Processes that hold it, or a link of it. */
  processes: readonly HolderProcess[];
  /** Pins of it and of its links. */
  pins: readonly string[];
  /** Nothing but what stands here keeps it alive: no process and no pin. */
  orphan: boolean;
}

/** Key of an object in `Holders`. */
export const heldKey = (kind: HeldKind, id: number): string => `${kind}/${id}`;

/** The owner of an object; `name` is its own name, which some owners are known by. */
export function ownershipOf(holders: Holders, kind: HeldKind, id: number, name = ''): Ownership {
  const keys = holdingKeys(holders, kind, id);
  const processes = uniqueByPid(keys.flatMap((key) => holders.processes.get(key) ?? []));
  const pins = [...new Set(keys.flatMap((key) => holders.pins.get(key) ?? []))];
  const owner = knownOwner(pins, processes) ?? processes[0]?.name ?? ownerOfMaps(holders, kind, id) ?? ownerByName(name);
  return { processes, pins, orphan: processes.length === 0 && pins.length === 0, ...(owner === undefined ? {} : { owner }) };
}

/** The object itself and what refers to it: the links of a program; the programs of a map and their links. */
function holdingKeys({ links, programs }: Holders, kind: HeldKind, id: number): string[] {
  const ofProgram = (program: number): string[] => [heldKey('program', program), ...(links.get(program) ?? []).map((link) => heldKey('link', link))];
  if (kind === 'program') return ofProgram(id);
  return [heldKey(kind, id), ...(kind === 'map' ? (programs.get(id) ?? []).flatMap(ofProgram) : [])];
}

function uniqueByPid(processes: readonly HolderProcess[]): HolderProcess[] {
  return [...new Map(processes.map((process) => [process.pid, process])).values()].sort((a, b) => a.pid - b.pid);
}

/** By what each well-known owner gives itself away. */
const KNOWN: readonly { owner: string; pin?: RegExp; process?: RegExp; name?: RegExp }[] = [
  { owner: 'sluice', pin: /\/sluice\//, process: /^sluice$/ },
  { owner: 'cilium', pin: /\/cilium(_|\/|$)/, process: /^cilium/, name: /^(cil_|cilium_)/ },
  { owner: 'calico', pin: /\/(calico|cali_)/, process: /^calico|^felix/, name: /^cali_/ },
  { owner: 'systemd', pin: /\/systemd\//, process: /^systemd/, name: /^sd_/ },
];

function knownOwner(pins: readonly string[], processes: readonly HolderProcess[]): string | undefined {
  const byPin = KNOWN.find(({ pin }) => pins.some((path) => pin?.test(path) === true));
  return (byPin ?? KNOWN.find(({ process }) => processes.some((holder) => process?.test(holder.name) === true)))?.owner;
}

/** A program that only its hook keeps may still use maps that its owner has pinned. */
function ownerOfMaps({ pins, maps }: Holders, kind: HeldKind, id: number): string | undefined {
  return kind === 'program' ? knownOwner((maps.get(id) ?? []).flatMap((map) => pins.get(heldKey('map', map)) ?? []), []) : undefined;
}

/** The weakest hint: anybody may call a program so. */
const ownerByName = (name: string): string | undefined => KNOWN.find((known) => known.name?.test(name) === true)?.owner;
