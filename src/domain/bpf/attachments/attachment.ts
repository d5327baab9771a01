/** A program at a hook: how it is told, and in which order. */

import { compareNatural } from '../../../lib/text.ts';

export interface Attachment {
  /** 0 for a struct_ops link, which runs the programs of a map. */
  programId: number;
  /** As `--attach` takes it: `tcx-ingress`; a link type of the kernel for one that has no such name. */
  hook: string;
  /** Device, cgroup, function, tracepoint, map …; absent where the hook has none. */
  target?: string;
  /** Absent for what stands there without a link. */
  linkId?: number;
  /** The network namespace of devices and of what belongs to a whole namespace. */
  netns?: AttachedNamespace;
  ifindex?: number;
  /** Of the map whose sockets it is for. */
  mapId?: number;
  /** Position in the row of its hook, from 1. */
  order?: number;
  /** Of a row of tcx or netkit: counts its changes, so that a new program can be refused when it has changed since. */
  revision?: bigint;
  /** Of netfilter (`priority`) and tc (`preference`): the lower runs first. */
  priority?: number;
  /** Of a tc filter, in hexadecimal as tc writes it. */
  handle?: string;
  /** What it stood on is gone: it never runs again. */
  gone: boolean;
}

/** `label` is the name of `ip netns`, else `pid N`; empty for the caller's own. */
export interface AttachedNamespace {
  inode: number;
  label: string;
}

/** For a table cell: `eth0 tcx-ingress 2`, `tcp_v4_connect fentry`. */
export function describeAttachment({ hook, target, order, netns, gone }: Attachment): string {
  const place = netns === undefined || netns.label === '' ? target : [target, `(${netns.label})`].filter((part) => part !== undefined).join(' ');
  return [place, hook, order === undefined ? undefined : String(order), gone ? 'gone' : undefined].filter((part) => part !== undefined).join(' ');
}

/** By namespace, target, hook and order. */
export function compareAttachments(a: Attachment, b: Attachment): number {
  return compareNatural(a.netns?.label ?? '', b.netns?.label ?? '')
    || compareNatural(a.target ?? '', b.target ?? '')
    || compareNatural(a.hook, b.hook)
    || (a.order ?? 0) - (b.order ?? 0)
    || (a.linkId ?? 0) - (b.linkId ?? 0);
}
