/** BPF type format: reads `.BTF` of objects and of the kernel. @kernel Documentation/bpf/btf.rst */

export { Btf, Kind, type BtfType, type Member } from './btf.ts';
export { KERNEL_BTF, kernelBtf } from './kernel.ts';
export { readExtensions, type CoreRelocation, type InfoRecord, type Extensions } from './extensions.ts';
