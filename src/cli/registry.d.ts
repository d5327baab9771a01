/**
 * The shape of `#registry`, which `bin/build.ts` generates from `src/commands` as `dist/registry.ts`: every command's
 * metadata without its code, so that help, completion and a wrong command cost no module.
 */

import type { Command } from '@oclif/core';

/** By oclif's id (`iptables:list`; a file `index.ts` stands for its folder), in natural order. */
export const commands: Readonly<Record<string, CommandMetadata>>;

/** Loads the class of a command, by the same id. */
export const loaders: Readonly<Record<string, () => Promise<{ default: Command.Class }>>>;

export const pjson: {
  readonly name: string;
  readonly version: string;
  /** Twelve hexadecimal digits, `-dirty` appended when the tree had changes; absent when built outside git. */
  readonly commit?: string;
};

/** What oclif keeps of a class in its manifest: summary, description, args, flags, aliases, examples, own static fields. */
export type CommandMetadata = Command.Cached;
