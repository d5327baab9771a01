import { attachTypeNumber, queryPrograms, type ProgramRow } from '../../../../kernel/bpf/index.ts';
import { listFilters, listLinks, listQdiscs, openNetlink, type Link, type NetlinkSocket } from '../../../../kernel/netlink/index.ts';
import { inNetns, type FoundNetns } from '../../../../kernel/netns/index.ts';
import type { Attachment } from '../attachment.ts';

/** Modes of IFLA_XDP_ATTACHED; several at once (4) are shown as the native one. */
const XDP_MODES: Readonly<Record<number, string>> = { 1: 'xdp-native', 2: 'xdp-generic', 3: 'xdp-offload', 4: 'xdp-native' };
const ROWS = ['tcx-ingress', 'tcx-egress', 'netkit-primary', 'netkit-peer'].map((hook) => ({ hook, attachType: attachTypeNumber(hook.replace('-', '_')) }));

/**
 * What stands at the devices of a network namespace, in the order in which packets meet it.
 *
 * @param classifiers whether any are loaded: otherwise the rows of what may be thousands of devices need not be asked for
 */
export function readDevices(netns: FoundNetns, classifiers: boolean): Attachment[] {
  using netlink = openNetlink({ netns });
  const devices = listLinks(netlink).items;
  const qdiscs = classifiers ? listQdiscs(netlink).items : [];
  const withFilters = new Set(qdiscs.filter(({ kind }) => kind === 'clsact' || kind === 'ingress').map(({ ifindex }) => ifindex));
  const rows = Map.groupBy(classifiers ? inNetns(netns.path, () => devices.flatMap((device) => readRows(device))) : [], ({ ifindex }) => ifindex);
  return devices.flatMap((device) => {
    const filters = withFilters.has(device.index) ? readFilters(netlink, device) : [];
    return [...readXdp(device), ...(rows.get(device.index) ?? []), ...filters];
  }).map((attachment) => ({ ...attachment, netns: { inode: netns.inode, label: netns.label } }));
}

type Found = Omit<Attachment, 'netns'>;

function readXdp({ xdp, name, index }: Link): Found[] {
  if (xdp?.programId === undefined) return [];
  return [{ programId: xdp.programId, hook: XDP_MODES[xdp.mode] ?? 'xdp', target: name, ifindex: index, gone: false }];
}

/** tcx and netkit; none on a kernel without them. */
function readRows(device: Link): Found[] {
  const hooks = device.kind === 'netkit' ? ROWS : ROWS.slice(0, 2);
  return hooks.flatMap(({ hook, attachType }) => {
    const row = queryPrograms(device.index, attachType);
    return row === undefined ? [] : row.programs.map((program, i) => ({ ...inRow(device, hook, program, i + 1), revision: row.revision }));
  });
}

const inRow = ({ name, index }: Link, hook: string, { id, linkId }: ProgramRow['programs'][number], order: number): Found =>
  ({ programId: id, hook, target: name, ifindex: index, order, gone: false, ...(linkId === undefined ? {} : { linkId }) });

/** Programs among the filters of a clsact or ingress qdisc, the least preference first. */
function readFilters(netlink: NetlinkSocket, { index, name }: Link): Found[] {
  return (['ingress', 'egress'] as const).flatMap((side) =>
    listFilters(netlink, index, side).items.flatMap(({ bpf, priority, handle }) => (bpf?.programId === undefined ? [] : [{ programId: bpf.programId, priority, handle }]))
      .sort((a, b) => a.priority - b.priority)
      .map(({ programId, priority, handle }, i) => (
        { programId, hook: `tc-${side}`, target: name, ifindex: index, order: i + 1, priority, handle: `0x${handle.toString(16)}`, gone: false })));
}
