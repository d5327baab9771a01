/** A request to load an object, and what became of it. */

import type { RevertStep } from '../../changes/index.ts';

/** What to load, and how. */
export interface LoadRequest {
  /** Path of the object file. */
  object: string;
  /** Programs by function name, and sections; both absent: all programs that are loaded by default. */
  programs?: readonly string[];
  sections?: readonly string[];
  /** Where to pin, instead of a folder of the object's own below `$SLUICE_BPFFS/sluice/programs`. */
  pinDirectory?: string;
  /** Maps that are there already, as `NAME=PIN`. */
  maps: readonly string[];
  /** Values of `const volatile` variables, as `NAME=VALUE`. */
  constants: readonly string[];
  /** Words that name the program whose function an `freplace` program takes over. */
  target?: string;
  netns?: { path: string; label: string };
  argv: readonly string[];
  confirmWithinMs?: number;
  /** `client`: check the file only. `kernel`: verify the programs as well, then let go. */
  dryRun?: 'client' | 'kernel';
}

/** What else a load does, in the same change, once everything is pinned. */
export interface Addition {
  /** Undone before the pins are removed. */
  revertSteps: readonly RevertStep[];
  /** Lines that the change adds, for people. */
  lines: readonly string[];
  apply(): void | Promise<void>;
  /** Gives back what it holds, whatever has become of the change. */
  close?(): void;
  /** Where programs stand now; filled by `apply`. */
  attached?: readonly AttachedHook[];
}

/** A program of the object at a hook. */
export interface AttachedHook {
  program: string;
  /** `HOOK:TARGET`, complete. */
  hook: string;
  links: { id: number; pin: string }[];
}

/** A program of the object. */
export interface ProgramReport {
  name: string;
  section: string;
  /** As bpftool calls it: `xdp`, `sched_cls`. */
  type: string;
  /** With all functions that it calls. */
  instructions: number;
  /** What only the kernel knows; absent with `--dry-run=client`, the id with any dry run. */
  id?: number;
  tag?: string;
  verifiedInstructions?: number;
  pin?: string;
}

/** A map of the object. */
export interface MapReport {
  name: string;
  /** As bpftool calls it: `hash`, `lpm_trie`. */
  type: string;
  keySize: number;
  valueSize: number;
  maxEntries: number;
  id?: number;
  pin?: string;
  /** Whether it was there before. */
  reused: boolean;
}

/** What became of a request. */
export interface LoadReport {
  object: string;
  license: string;
  /** What was done: loaded and pinned, verified and let go, or only checked. */
  outcome: 'loaded' | 'verified' | 'checked';
  programs: ProgramReport[];
  maps: MapReport[];
  /** What is taken from the kernel by name: functions, variables, options of its configuration. */
  needs: { kind: string; name: string; weak: boolean }[];
  relocations: number;
  /** Where `--attach` put programs. */
  attached?: readonly AttachedHook[];
  /** The change that removes it again. */
  change?: string;
  /** Folder of the pins. */
  directory?: string;
  revertsAt?: string;
}
