/** What is told of maps and their entries. */

import type { HolderProcess } from '../bpf/index.ts';
import type { Decoded } from './layout/decode.ts';

/** One map of the machine. */
export interface MapSummary {
  id: number;
  /** As the kernel keeps it, cut at 15 characters. */
  name: string;
  type: string;
  /** Sizes in bytes. */
  keySize: number;
  valueSize: number;
  maxEntries: number;
  /** Names of BPF_F_* in lower case. */
  flags: readonly string[];
  memoryBytes: number;
  frozen: boolean;
  /** 0 where its types are not known. */
  btfId: number;
  owner?: string;
  pins: readonly string[];
  processes: readonly HolderProcess[];
  /** Programs that use it. */
  programIds: readonly number[];
}

/** One map in detail. */
export interface MapDetail extends MapSummary {
  /** C-like text of the types, from BTF. */
  keyType?: string;
  valueType?: string;
  /** Entries that are in it; absent where they cannot be counted. */
  entries?: number;
  /** What the type refuses, with the reason. */
  refuses: Readonly<Record<string, string>>;
}

/** Bytes in three forms. */
export interface Shown {
  /** Two digits for each byte, in the order of memory. */
  hex: string;
  decoded: Decoded;
  display: string;
}

/** One entry. `key` is absent for types without keys; per-CPU types have `values`. */
export interface MapEntry {
  key?: Shown;
  value?: Shown;
  values?: readonly { cpu: number; value: Shown }[];
  /** Entries of the map that the value is, where they were asked for. */
  entries?: readonly MapEntry[];
}
