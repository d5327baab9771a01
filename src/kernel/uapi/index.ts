/** Kernel constants, one file a header (socket.ts: the few of its three), in the kernel's spelling. */

export * as bpf from './bpf.ts';
export * as socket from './socket.ts';
