/** Nexthop groups that forwarding entries point to in place of one remote end. */

import { listNexthops, type Nexthop, openNetlink } from '../../../../kernel/netlink/index.ts';

/** Asks for the nexthops of a namespace when the first entry names one: most tables have none. */
export class NexthopLookup {
  readonly #netns: { path: string } | undefined;
  #known: ReadonlyMap<number, Nexthop> | undefined;

  constructor(netns: { path: string } | undefined) {
    this.#netns = netns;
  }

  /** Addresses that a nexthop or a group leads to; undefined without one. */
  addressesOf(id: number | undefined): string[] | undefined {
    if (id === undefined) return undefined;
    this.#known ??= this.#read();
    const found = this.#known.get(id);
    const members = found?.group?.map((member) => this.#known!.get(member.id)) ?? [found];
    return members.map((member) => member?.gateway).filter((gateway) => gateway !== undefined);
  }

  #read(): ReadonlyMap<number, Nexthop> {
    using netlink = openNetlink({ netns: this.#netns });
    return new Map(listNexthops(netlink).items.map((nexthop) => [nexthop.id, nexthop]));
  }
}
