import { bpf as uapi } from '../../uapi/index.ts';

/** How programs of a section are loaded. */
export interface ProgramType {
  type: number;
  expectedAttachType: number;
}

/** By section name, as libbpf's `SEC()` has them. */
export const PROGRAM_TYPES: Readonly<Record<string, ProgramType>> = {
  netfilter: { type: uapi.BPF_PROG_TYPE_NETFILTER, expectedAttachType: uapi.BPF_NETFILTER },
  socket: { type: uapi.BPF_PROG_TYPE_SOCKET_FILTER, expectedAttachType: 0 },
  xdp: { type: uapi.BPF_PROG_TYPE_XDP, expectedAttachType: uapi.BPF_XDP },
  tc: { type: uapi.BPF_PROG_TYPE_SCHED_CLS, expectedAttachType: 0 },
};
