/** Steps tried out in a network namespace that nobody uses, which goes away with its socket. */

import { changeLink, createLink, getLink, type NetlinkSocket, openNetlink, addAddress } from '../../../kernel/netlink/index.ts';
import { inNewNetns } from '../../../kernel/netns/index.ts';
import { PermissionError, SyscallError } from '../../../lib/errors.ts';
import type { NodeView } from '../model.ts';
import { runSteps } from '../steps/apply.ts';
import type { Step } from '../steps/model.ts';

/**
 * Carries steps out where they do no harm, on stand-ins for the interfaces that they name.
 *
 * This finds what the kernel refuses in itself (values, combinations, a kind that it does not know), not what clashes with what
 * is on the node: that is compared with the live tables.
 *
 * @throws NetlinkError as the real thing would
 */
export function rehearse(steps: readonly Step[], view: NodeView): void {
  using netlink = openElsewhere();
  for (const name of namedInterfaces(steps)) standIn(netlink, view, name);
  runSteps(netlink, steps);
}

function openElsewhere(): NetlinkSocket {
  try {
    return inNewNetns(() => openNetlink());
  } catch (error) {
    if (error instanceof SyscallError && error.reason === 'permission') throw new PermissionError('only root may change links', { causes: [error.message], hints: ['run it with sudo'], cause: error });
    throw error;
  }
}

function namedInterfaces(steps: readonly Step[]): Set<string> {
  return new Set(steps.flatMap((step) => (step.do === 'create-tunnel' ? [step.device.underlay, step.device.master] : step.do.startsWith('fdb') && 'entry' in step ? [step.entry.via] : [])).filter((name) => name !== undefined));
}

/** A bridge can take any name, address and MTU; the kernel's checks look at nothing else. */
function standIn(netlink: NetlinkSocket, view: NodeView, name: string): void {
  const { mtu = 1500, addresses = [] } = view.interfaces.find((one) => one.name === name || one.altNames.includes(name)) ?? {};
  if (name !== 'lo') netlink.request(createLink({ name, kind: 'bridge', mtu }));
  const { index } = getLink(netlink, name);
  netlink.request(changeLink(index, name, { up: true }));
  const requests = addresses.map((address) => address.split('/')).map(([address, length]) => addAddress({ ifindex: index, address: address!, prefixLength: Number(length), nodad: true }, name));
  // Loopback and link-local addresses come by themselves.
  netlink.tryAll(requests);
}
