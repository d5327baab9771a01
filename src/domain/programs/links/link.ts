import type { Attachment, HolderProcess } from '../../bpf/index.ts';

/** A link as `bpf link list` shows it. */
export interface Link {
  id: number;
  /** As bpftool writes it: `tcx`. */
  type: string;
  /** 0 for a struct_ops link. */
  programId: number;
  program?: string;
  /** Where it stands. */
  attachment: Attachment;
  /** The same in words. */
  place: string;
  owner?: string;
  pins: readonly string[];
  processes: readonly HolderProcess[];
}

export interface LinkFilter {
  /** Types as bpftool writes them. */
  types?: readonly string[] | undefined;
  /** Inode of a network namespace: only what is there, or where that cannot be told. */
  netns?: number | undefined;
}

/** Whether a link is to be shown. */
export const linkPasses = ({ type, attachment }: Link, { types, netns }: LinkFilter): boolean =>
  (types === undefined || types.includes(type)) && (netns === undefined || attachment.netns === undefined || attachment.netns.inode === netns);
