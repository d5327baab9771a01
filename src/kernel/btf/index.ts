/** BPF type format: reads `.BTF` of objects and of the kernel. @kernel Documentation/bpf/btf.rst */

export { Btf, type BtfType, Kind, type Member, type SectionVariable } from './btf.ts';
export { dumpC } from './c/dump.ts';
export { Signatures } from './c/signature.ts';
export { describeType, type TypeDescription } from './description.ts';
export { type CoreRelocation, type Extensions, type InfoRecord, readExtensions } from './extensions.ts';
export { KERNEL_BTF, kernelBtf } from './kernel.ts';
export { essentialName } from './strings.ts';
export { formatType, kindName } from './text.ts';
