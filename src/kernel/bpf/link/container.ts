/** Links on what holds sockets or processes: cgroups, network namespaces, maps of sockets. */

import type { Fd } from '../../syscalls/index.ts';
import { bpf as uapi } from '../../uapi/index.ts';
import { createLink, placed, type Attachable, type Place } from './create.ts';

/**
 * Attaches to a directory of cgroup2, beside what others have attached.
 *
 * @param attachType a BPF_CGROUP_* or BPF_LSM_CGROUP
 * @throws SyscallError EPERM where a parent forbids it; EBADF when the descriptor is no cgroup2 directory.
 * @kernel kernel/bpf/cgroup.c cgroup_bpf_link_attach, since Linux 5.7; a place since 6.17
 */
export const attachCgroup = (program: Attachable, cgroup: Fd, attachType: number, place?: Place): Fd =>
  createLink(program, { target: cgroup.number, attachType, ...placed(place) });

/**
 * Attaches BPF_SK_LOOKUP or BPF_FLOW_DISSECTOR to a network namespace.
 *
 * @throws SyscallError EEXIST, E2BIG when the hook has all it can take. @kernel kernel/bpf/net_namespace.c
 */
export const attachNetns = (program: Attachable, netns: Fd, attachType: number): Fd =>
  createLink(program, { target: netns.number, attachType });

/**
 * Attaches BPF_SK_MSG_VERDICT, BPF_SK_SKB_VERDICT, BPF_SK_SKB_STREAM_PARSER or …_VERDICT to the sockets of a map.
 *
 * @throws SyscallError EBUSY when the map has such a program; EINVAL before Linux 6.10. @kernel net/core/sock_map.c sock_map_link_create
 */
export const attachSockmap = (program: Attachable, map: Fd, attachType: number): Fd =>
  createLink(program, { target: map.number, attachType });

/** Puts the functions of a struct_ops map, made with BPF_F_LINK, into use. @kernel kernel/bpf/bpf_struct_ops.c, since Linux 6.4 */
export const attachStructOps = (map: Attachable): Fd => createLink(map, { target: 0, attachType: uapi.BPF_STRUCT_OPS });
