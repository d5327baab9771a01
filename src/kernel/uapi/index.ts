/** Kernel constants, one file a header, in the kernel's spelling. */

export * as bpf from './bpf.ts';
