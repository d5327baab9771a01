import { Flags } from '@oclif/core';
import { SluiceCommand } from '../../cli/command.ts';
import { probeFeatures, type FeatureKind } from '../../domain/programs/index.ts';
import { featuresView } from '../../views/features.ts';

/** `sluice bpf features` */
export default class BpfFeatures extends SluiceCommand {
  static override summary = 'Find out what BPF can do on this kernel; with --need, whether all that is needed is there';
  static override description = `Everything is tried: programs are loaded, maps made, and attached in a network namespace of its own where that disturbs nobody.
--need takes hooks (tcx, netfilter, kprobe.multi), program types, map types, btf, jit, statistics, helper:TYPE/NAME, kfunc:NAME and config:CONFIG_NAME,
and ends with 1 when one of them is missing.`;
  static override flags = {
    need: Flags.string({ multiple: true, helpValue: 'FEATURE,…', summary: 'Look only at these; end with 1 when one is missing' }),
    kind: Flags.string({ multiple: true, delimiter: ',', options: ['general', 'program', 'map', 'hook', 'helper', 'config'], summary: 'Look at these kinds' }),
    for: Flags.string({ default: 'xdp', helpValue: 'TYPE', summary: 'Program type whose helpers are meant' }),
  };
  static override examples = [
    '<%= config.bin %> bpf features',
    '<%= config.bin %> bpf features --need tcx,kfunc:bpf_dynptr_from_skb && echo yes',
    '<%= config.bin %> bpf features --kind helper --for sched_cls -o json',
  ];

  async run(): Promise<void> {
    const { flags } = await this.parse(BpfFeatures);
    const { items, all } = probeFeatures({ need: flags.need ?? [], kinds: flags.kind as FeatureKind[] | undefined, helpersOf: flags.for });
    await this.printTable({ items, complete: true, warnings: [] }, featuresView);
    if (flags.need !== undefined) this.answer(all);
  }
}
