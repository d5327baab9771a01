/** Forwarding databases as they are now: of VXLAN devices, of bridges, and of hardware. */

import { listLinkNames, type Neighbour, openNetlink, readFdb } from '../../../kernel/netlink/index.ts';
import { neighbour as nd } from '../../../kernel/uapi/index.ts';
import { reportCommand } from '../../../tools/index.ts';
import { findLink } from '../../links/index.ts';
import type { FdbEntry, Lifetime } from './model.ts';
import { NexthopLookup } from './nexthops/inspect.ts';

/** Which entries. */
export interface FdbRequest {
  netns?: { path: string; label: string };
  /** One device; a bridge stands for all its ports. */
  device?: string | undefined;
  mac?: string | undefined;
}

const CHANGED_MEANWHILE = 'the table changed while it was read: entries may be missing or twice';

/** Entries of a namespace in the kernel's order. @throws NotFoundError SL6003 for no such device */
export async function listEntries(request: FdbRequest = {}): Promise<{ items: FdbEntry[]; complete: boolean; warnings: string[] }> {
  const stream = streamEntries(request);
  const items = (await Array.fromAsync(stream.pieces())).flat();
  return { items, ...stream.outcome() };
}

/** The same in pieces as the kernel hands them out, for tables of any length. They are read once; the outcome is known then. */
export function streamEntries(request: FdbRequest = {}): FdbStream {
  let complete = true;
  return {
    async *pieces() {
      complete = yield* readPieces(request);
    },
    outcome: () => ({ complete, warnings: complete ? [] : [CHANGED_MEANWHILE] }),
  };
}

/** Entries on their way. */
export interface FdbStream {
  /** @throws NotFoundError SL6003 for no such device; NetlinkError */
  pieces(): AsyncGenerator<FdbEntry[], void>;
  outcome(): { complete: boolean; warnings: string[] };
}

async function* readPieces({ netns, device, mac }: FdbRequest): AsyncGenerator<FdbEntry[], boolean> {
  using netlink = openNetlink({ netns });
  const link = device === undefined ? undefined : findLink(netlink, device);
  reportCommand(['bridge', '-s', 'fdb', 'show', ...(link === undefined ? [] : [link.kind === 'bridge' ? 'br' : 'dev', link.name])], netns?.path);
  const names = listLinkNames(netlink);
  const nexthops = new NexthopLookup(netns);
  const pieces = readFdb(netlink, link === undefined ? {} : link.kind === 'bridge' ? { master: link.index } : { ifindex: link.index });
  try {
    for (let next = await pieces.next(); ; next = await pieces.next()) {
      if (next.done === true) return next.value;
      yield describeFdb(mac === undefined ? next.value : next.value.filter(({ lladdr }) => lladdr === mac.toLowerCase()), names, nexthops);
    }
  } finally {
    // Who has seen enough leaves a piece behind that is still being read.
    await pieces.return(false);
  }
}

/** Entries as people read them, in the kernel's order. All have one shape: there may be 100,000. */
export const describeFdb = (entries: readonly Neighbour[], names: ReadonlyMap<number, string>, nexthops: NexthopLookup): FdbEntry[] => entries.map((entry) => ({
  device: nameOf(entry.ifindex, names)!, mac: entry.lladdr ?? '', vlan: entry.vlan, destination: entry.destination, port: entry.port, vni: entry.vni, sourceVni: entry.sourceVni,
  via: nameOf(entry.via, names), nexthopId: entry.nexthopId, nexthops: nexthops.addressesOf(entry.nexthopId), master: nameOf(entry.master, names), table: (entry.flags & nd.NTF_SELF) === 0 ? 'master' : 'self',
  lifetime: lifetimeOf(entry.state), externallyLearned: (entry.flags & nd.NTF_EXT_LEARNED) !== 0, sticky: (entry.flags & nd.NTF_STICKY) !== 0,
  offloaded: (entry.flags & nd.NTF_OFFLOADED) !== 0, usedSeconds: entry.usedSeconds, updatedSeconds: entry.updatedSeconds,
}));

const nameOf = (index: number | undefined, names: ReadonlyMap<number, string>): string | undefined => (index === undefined ? undefined : (names.get(index) ?? `if${index}`));

const lifetimeOf = (state: number): Lifetime => ((state & nd.NUD_PERMANENT) !== 0 ? 'permanent' : (state & nd.NUD_NOARP) !== 0 ? 'static' : 'dynamic');
