import { statSync } from 'node:fs';
import { NotFoundError, OperationError } from '../../../../lib/errors.ts';
import { attachCgroup, attachNetfilter, attachNetns, attachSockmap, attachTypeNumber, type BpfMap } from '../../../../kernel/bpf/index.ts';
import { Fd } from '../../../../kernel/syscalls/index.ts';
import { findMap, readReference, type Hook } from '../../../bpf/index.ts';
import { oneLink, type AttachOptions, type Prepared } from '../prepared.ts';
import type { AttachTarget } from '../target.ts';

const OWN_NETNS = '/proc/thread-self/ns/net';

/** A netfilter hook of one network namespace. */
export const prepareNetfilter = (target: AttachTarget & { kind: 'netfilter' }, { netns }: AttachOptions): Prepared =>
  oneLink((program) => attachNetfilter(program, target, netns?.path));

/** A hook of a cgroup. @throws NotFoundError, OperationError SL2504 when the path is no directory of cgroup2. */
export function prepareCgroup({ attachType }: Hook, path: string, { place }: AttachOptions): Prepared {
  const cgroup = openDirectory(path);
  return oneLink((program) => attachCgroup(program, cgroup, attachTypeNumber(attachType!), place), cgroup);
}

/** A directory of cgroup2, which the caller closes. @throws NotFoundError, OperationError SL2504 */
export function openDirectory(path: string): Fd {
  const found = statSync(path, { throwIfNoEntry: false });
  const hints = ['find /sys/fs/cgroup -type d'];
  if (found === undefined) throw new NotFoundError(`no cgroup ${path}`, { code: 'SL2504', hints });
  if (!found.isDirectory()) throw new OperationError(`${path} is no cgroup`, { code: 'SL2504', reason: 'usage', causes: ['it is no directory'], hints });
  return Fd.open(path);
}

/** A hook that a network namespace has once: socket lookup, flow dissector. */
export function prepareNetns({ attachType }: Hook, { netns }: AttachOptions): Prepared {
  const fd = Fd.open(netns?.path ?? OWN_NETNS);
  return oneLink((program) => attachNetns(program, fd, attachTypeNumber(attachType!)), fd);
}

/** The sockets of a map. @throws NotFoundError when there is no such map. */
export function prepareSockmap({ attachType }: Hook, reference: string, options: AttachOptions): Prepared {
  const { map, opened } = openTargetMap(reference, options);
  return oneLink((program) => attachSockmap(program, map.fd, attachTypeNumber(attachType!)), ...opened);
}

/** A map of the object that is loaded, or any other; `opened` is what the caller closes. @throws NotFoundError */
export function openTargetMap(reference: string, { maps }: AttachOptions): { map: BpfMap; opened: Fd[] } {
  const own = maps?.get(reference);
  const map = own ?? findMap(readReference([reference]));
  return { map, opened: own === undefined ? [map.fd] : [] };
}
