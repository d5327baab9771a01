import { addRoute, bpfEncap, openNetlink } from '../../../../kernel/netlink/index.ts';
import { need } from '../../../../tools/index.ts';
import type { Hook } from '../../../bpf/index.ts';
import { findDevice } from '../device/apply.ts';
import type { AttachOptions, Prepared } from '../prepared.ts';
import type { AttachTarget } from '../target.ts';

/** A route whose packets go through the program; it takes no link and stays until it is deleted. @throws NotFoundError for the device */
export function prepareRoute({ name: hook }: Hook, { destination, prefixLength, gateway, device }: AttachTarget & { kind: 'route' }, options: AttachOptions): Prepared {
  const oif = device === undefined ? undefined : findDevice(device, options).index;
  const prefix = `${destination}/${prefixLength}`;
  const argv = [need('ip'), ...(destination.includes(':') ? ['-6'] : []), 'route', 'del', prefix, ...(device === undefined ? [] : ['dev', device])] as const;
  return {
    links: 0,
    // A route that is gone, with its device or by an earlier try, is undone.
    undo: [{ title: `delete the route to ${prefix}`, argv: argv as readonly [string, ...string[]], tolerateFailure: true }],
    attach: ({ fd, name }) => {
      using netlink = openNetlink(options);
      const encap = bpfEncap(hook.slice('lwt-'.length) as 'in' | 'out' | 'xmit', fd.number, name);
      netlink.request(addRoute({ destination, prefixLength, encap, ...(gateway === undefined ? {} : { gateway }), ...(oif === undefined ? {} : { oif }) }));
      return [];
    },
    close: () => undefined,
  };
}
