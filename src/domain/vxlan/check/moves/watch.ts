/** Watches MACs that change their place in the FDB of one device. */

import { openMonitor, readNeighbour, type Monitor } from '../../../../kernel/netlink/index.ts';
import { rtnetlink, socket } from '../../../../kernel/uapi/index.ts';
import type { FdbFacts, Move } from '../model.ts';

/** Collects moves from its opening to its closing. */
export class MoveWatch implements Disposable {
  readonly moves: Move[] = [];
  readonly #places = new Map<string, string>();
  readonly #monitor: Monitor;

  /** @param fdb what the device holds at the start */
  constructor(ifindex: number, fdb: readonly FdbFacts[], netns: string | undefined) {
    for (const { mac, remote, configured } of fdb) if (remote !== undefined && !configured) this.#places.set(mac, remote);
    const message = (type: number, bytes: Buffer, start: number, end: number): void => {
      if (type === rtnetlink.RTM_NEWNEIGH && bytes[start] === socket.AF_BRIDGE) this.#note(ifindex, readNeighbour(bytes, start, end));
    };
    this.#monitor = openMonitor([rtnetlink.RTNLGRP_NEIGH], { message, overrun: () => undefined }, netns === undefined ? {} : { netns: { path: netns } });
  }

  #note(ifindex: number, { ifindex: device, lladdr, destination }: { ifindex: number; lladdr: string | undefined; destination: string | undefined }): void {
    if (device !== ifindex || lladdr === undefined || destination === undefined) return;
    const from = this.#places.get(lladdr);
    this.#places.set(lladdr, destination);
    if (from !== undefined && from !== destination) this.moves.push({ mac: lladdr, from, to: destination });
  }

  [Symbol.dispose](): void {
    this.#monitor.close();
  }
}
