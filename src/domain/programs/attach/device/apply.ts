import { NotFoundError, NetlinkError } from '../../../../lib/errors.ts';
import { attachNetkit, attachTcx, attachXdp, type XdpMode } from '../../../../kernel/bpf/index.ts';
import { addBpfFilter, addClsact, getLink, listFilters, openNetlink, type ClsactHook, type Link, type NetlinkSocket } from '../../../../kernel/netlink/index.ts';
import { inNetns } from '../../../../kernel/netns/index.ts';
import { need } from '../../../../tools/index.ts';
import type { Hook } from '../../../bpf/index.ts';
import { oneLink, type AttachOptions, type Prepared } from '../prepared.ts';

/** A hook of a network device. @throws NotFoundError when the namespace has no such device. */
export function prepareDevice({ name: hook, kind }: Hook, device: string, options: AttachOptions): Prepared {
  const { index, name } = findDevice(device, options);
  const here = <T>(work: () => T): T => inNetns(options.netns?.path, work);
  switch (kind) {
    case 'xdp': return oneLink((program) => here(() => attachXdp(program, index, modeOf(hook))));
    case 'tcx': return oneLink((program) => here(() => attachTcx(program, index, sideOf(hook), options.place)));
    case 'netkit': return oneLink((program) => here(() => attachNetkit(program, index, hook === 'netkit-peer' ? 'peer' : 'primary', options.place)));
    default: return prepareFilter(sideOf(hook), index, name, options);
  }
}

const modeOf = (hook: string): XdpMode => (hook === 'xdp' ? 'auto' : (hook.slice('xdp-'.length) as XdpMode));
const sideOf = (hook: string): ClsactHook => (hook.endsWith('egress') ? 'egress' : 'ingress');

/** A device by name. @throws NotFoundError SL2504 */
export function findDevice(device: string, { netns }: AttachOptions): Link {
  using netlink = openNetlink({ netns });
  try {
    return getLink(netlink, device);
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.errnoName !== 'ENODEV') throw error;
    const where = netns === undefined ? '' : ` in network namespace ${netns.label}`;
    throw new NotFoundError(`no interface ${device}${where}`, { code: 'SL2504', hints: ['sluice link list'] });
  }
}

/** Preferences that are tried where none is asked for. */
const FIRST_PREFERENCE = 49152;
const HANDLE = 1;

/** A filter of clsact, which takes no link: it stays until it is deleted. A clsact qdisc that is missing is added, and stays. */
function prepareFilter(hook: ClsactHook, ifindex: number, device: string, options: AttachOptions): Prepared {
  const priority = options.preference ?? freePreference(hook, ifindex, options);
  const undo = [need('tc'), 'filter', 'del', 'dev', device, hook, 'pref', String(priority), 'handle', `0x${HANDLE.toString(16)}`, 'bpf'] as const;
  return {
    links: 0,
    // A filter that is gone, with its device or by an earlier try, is undone.
    undo: [{ title: `delete the ${hook} filter of ${device} with preference ${priority}`, argv: undo, tolerateFailure: true }],
    attach: ({ fd, name }) => {
      using netlink = openNetlink(options);
      ensureClsact(netlink, ifindex, device);
      netlink.request(addBpfFilter({ ifindex, hook, programFd: fd.number, name, priority, handle: HANDLE }, 'create', device));
      return [];
    },
    close: () => undefined,
  };
}

/** One below the least that is in use, as tc chooses it: a new filter comes first. */
function freePreference(hook: ClsactHook, ifindex: number, options: AttachOptions): number {
  using netlink = openNetlink(options);
  const used = usedPreferences(netlink, ifindex, hook);
  return used.length === 0 ? FIRST_PREFERENCE : Math.max(1, Math.min(...used) - 1);
}

/** Preferences in use; none where the device has no clsact qdisc. */
function usedPreferences(netlink: NetlinkSocket, ifindex: number, hook: ClsactHook): number[] {
  try {
    return listFilters(netlink, ifindex, hook).items.map(({ priority }) => priority);
  } catch (error) {
    if (error instanceof NetlinkError) return [];
    throw error;
  }
}

function ensureClsact(netlink: NetlinkSocket, ifindex: number, device: string): void {
  try {
    netlink.request(addClsact(ifindex, device));
  } catch (error) {
    if (!(error instanceof NetlinkError) || error.errnoName !== 'EEXIST') throw error;
  }
}
